/* Flash operations -> checked ones. */
#include "fuzz_flash.h"

#include <string.h>

#include "fuzz_count.h"

static const uint8_t key[1][ASD_ED25519_KEY_BYTES] = {{1}};

static bool read_flash(void *context, uint32_t address, uint8_t *bytes, uint32_t n_bytes)
{
    const fuzz_flash *const flash = context;
    check_that(address <= FLASH_BYTES && n_bytes <= FLASH_BYTES - address, "reads stay in the flash");
    memcpy(bytes, &flash->bytes[address], n_bytes);
    for (uint32_t at = address; at < address + n_bytes; at++) {
        if (flash->is_bad[at / PAGE_BYTES]) {
            return false;
        }
    }
    return true;
}

static void check_change(const fuzz_flash *flash, uint32_t address, uint32_t n_bytes)
{
    check_that(address % n_bytes == 0, "whole pages are erased, whole words programmed");
    check_that(address >= flash->may_change_from && address + n_bytes <= flash->may_change_until,
               "only the log and the slot that isn't in use are written");
}

static bool erase_page(void *context, uint32_t address)
{
    fuzz_flash *const flash = context;
    check_change(flash, address, PAGE_BYTES);
    memset(&flash->bytes[address], 0xFF, PAGE_BYTES);
    flash->is_bad[address / PAGE_BYTES] = false;
    return true;
}

static bool program_word(void *context, uint32_t address, const uint8_t *word)
{
    fuzz_flash *const flash = context;
    check_change(flash, address, WORD_BYTES);
    for (uint32_t i = 0; i < WORD_BYTES; i++) {
        flash->bytes[address + i] &= word[i];
    }
    return true;
}

static bool verify(const uint8_t public_key[ASD_ED25519_KEY_BYTES], const uint8_t *message, uint32_t n_message,
                   const uint8_t signature[ASD_ED25519_SIGNATURE_BYTES])
{
    check_that(public_key == key[0] && n_message == ASD_BUNDLE_SIGNED_BYTES, "the whole header is what is signed");
    return message + n_message == signature && signature[0] == ASD_FUZZ_SIGNED;
}

asd_update_settings fuzz_settings(fuzz_flash *flash)
{
    return (asd_update_settings){
        {flash, PAGE_BYTES, WORD_BYTES, read_flash, erase_page, program_word},
        {LOG_BYTES, LOG_BYTES + SLOT_BYTES},
        SLOT_BYTES,
        {0, PAGE_BYTES},
        {key, 1, verify, BOARD_NAME, FIRMWARE_VERSION, SLOT_BYTES - ASD_BUNDLE_HEADER_BYTES},
    };
}

bool is_for_this_device(const uint8_t *header)
{
    static const uint8_t zeros[ASD_BUNDLE_HEADER_BYTES - ASD_BUNDLE_SIGNED_BYTES - ASD_ED25519_SIGNATURE_BYTES];
    asd_bundle bundle;
    memcpy(&bundle, header, sizeof bundle);
    return bundle.magic == ASD_BUNDLE_MAGIC && header[ASD_BUNDLE_SIGNED_BYTES] == ASD_FUZZ_SIGNED &&
           memcmp(&header[ASD_BUNDLE_HEADER_BYTES - sizeof zeros], zeros, sizeof zeros) == 0 &&
           bundle.format == ASD_BUNDLE_FORMAT && bundle.signed_bytes == ASD_BUNDLE_SIGNED_BYTES &&
           memcmp(bundle.board, BOARD_NAME, sizeof BOARD_NAME) == 0 && bundle.least_firmware <= FIRMWARE_VERSION &&
           bundle.image_bytes <= SLOT_BYTES - ASD_BUNDLE_HEADER_BYTES;
}

bool is_whole(const uint8_t *slot)
{
    asd_bundle bundle;
    asd_sha256 hash;
    uint8_t digest[ASD_SHA256_BYTES];
    memcpy(&bundle, slot, sizeof bundle);
    asd_sha256_start(&hash);
    asd_sha256_add(&hash, &slot[ASD_BUNDLE_HEADER_BYTES], bundle.image_bytes);
    asd_sha256_finish(&hash, digest);
    return memcmp(digest, bundle.image_sha256, sizeof digest) == 0;
}
