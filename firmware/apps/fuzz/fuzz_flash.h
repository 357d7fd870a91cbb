/* A small flash with two slots and a log, whose every access is checked, and a signature that costs nothing. */
#ifndef FUZZ_FLASH_H
#define FUZZ_FLASH_H

#include "asd/asd_update.h"

#define PAGE_BYTES 256u
#define WORD_BYTES 8u
#define SLOT_BYTES 1024u
#define LOG_BYTES (2u * PAGE_BYTES)
#define FLASH_BYTES (LOG_BYTES + 2u * SLOT_BYTES)
#define BOARD_NAME "toy"
#define FIRMWARE_VERSION 5u

typedef struct {
    uint8_t bytes[FLASH_BYTES];
    bool is_bad[FLASH_BYTES / PAGE_BYTES]; /* pages that can't be read */
    uint32_t may_change_from;              /* addresses outside of these two must stay as they are */
    uint32_t may_change_until;
} fuzz_flash;

/* Slots, log and rules on `flash`; the signature is right where its first byte is ASD_FUZZ_SIGNED. */
asd_update_settings fuzz_settings(fuzz_flash *flash);

#define ASD_FUZZ_SIGNED 0x53u

/* What a bundle that this device may run has to be: by the header alone, without asd_bundle_check. */
bool is_for_this_device(const uint8_t *header);

/* And whether its image is the one that was signed. */
bool is_whole(const uint8_t *slot);

#endif
