/* A flash for hosts; it forgets everything at the program's end. */
#ifndef RAM_FLASH_H
#define RAM_FLASH_H

#include "asd/asd_update.h"

#define RAM_SLOT_BYTES (1000u * 1024u)

/* Erased; flash, slots and log of *settings. */
void ram_flash_start(asd_update_settings *settings);

/* Where the bytes at an address can be read in place. */
const uint8_t *ram_flash_at(uint32_t address);

#endif
