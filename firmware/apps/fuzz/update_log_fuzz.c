/* Any bytes -> a flash with whatever log and slots -> booted again and again: something valid or nothing; for
 * libFuzzer. */
#include <string.h>

#include "asd_checks.h"
#include "fuzz_count.h"
#include "fuzz_flash.h"

#define N_RECORDS (LOG_BYTES / ASD_UPDATE_RECORD_BYTES)
#define LAST_WORD (ASD_UPDATE_RECORD_BYTES - 4u)
#define LOG_MAGIC 0x4C445341u
#define MOST_BOOTS 12u

static void put_u32(uint8_t *bytes, uint32_t value)
{
    for (uint32_t i = 0; i < 4u; i++) {
        bytes[i] = (uint8_t)(value >> (8u * i));
    }
}

/* A bundle as this device takes it, of a few bytes; `how` leaves something wrong. */
static void write_bundle(uint8_t *slot, fuzz_input *input)
{
    const uint32_t how = take(input, 1), n_image = take(input, 1);
    asd_bundle bundle = {.magic = ASD_BUNDLE_MAGIC, .format = ASD_BUNDLE_FORMAT};
    asd_sha256 hash;
    memset(slot, 0xFF, SLOT_BYTES);
    if (how == 0xFFu) {
        return; /* an empty slot */
    }
    memcpy(bundle.board, BOARD_NAME, sizeof BOARD_NAME);
    bundle.signed_bytes = ASD_BUNDLE_SIGNED_BYTES;
    bundle.version = take(input, 4);
    bundle.least_firmware = (how & 1u) != 0 ? take(input, 4) : 1u;
    bundle.image_bytes = (how & 2u) != 0 ? take(input, 4) : n_image;
    asd_sha256_start(&hash);
    asd_sha256_add(&hash, &slot[ASD_BUNDLE_HEADER_BYTES], n_image);
    asd_sha256_finish(&hash, bundle.image_sha256);
    bundle.image_sha256[0] ^= (uint8_t)((how & 4u) != 0 ? take(input, 1) : 0u);
    memset(slot, 0, ASD_BUNDLE_HEADER_BYTES);
    memcpy(slot, &bundle, sizeof bundle);
    slot[ASD_BUNDLE_SIGNED_BYTES] = (uint8_t)((how & 8u) != 0 ? take(input, 1) : ASD_FUZZ_SIGNED);
}

/* Words as the input has them; where it says so, a record that knows the slots' headers and has its checksum right. */
static void write_log_record(fuzz_flash *flash, uint8_t *record, fuzz_input *input)
{
    const uint32_t how = take(input, 1);
    memset(record, 0xFF, ASD_UPDATE_RECORD_BYTES);
    if (how == 0) {
        return;
    }
    put_u32(record, (how & 1u) != 0 ? LOG_MAGIC : take(input, 4));
    for (uint32_t i = 1; i < 6u; i++) { /* sequence, state, active, attempts, least version */
        put_u32(&record[4u * i], take(input, (how & 2u) != 0 ? 1u : 4u));
    }
    for (uint32_t slot = 0; slot < 2u; slot++) {
        const uint32_t crc = asd_crc32(0, &flash->bytes[LOG_BYTES + slot * SLOT_BYTES], ASD_BUNDLE_HEADER_BYTES);
        put_u32(&record[24u + 4u * slot], (how & (4u << slot)) != 0 ? crc : take(input, 4));
    }
    put_u32(&record[LAST_WORD], (how & 16u) != 0 ? asd_crc32(0, record, LAST_WORD) : take(input, 4));
}

static void boot(fuzz_flash *flash, const asd_update_settings *settings)
{
    asd_update update;
    asd_bundle bundle;
    uint32_t slot = 0, n_trials = 0;
    bool is_trial = false;
    for (uint32_t i = 0; i < MOST_BOOTS; i++) {
        asd_update_open(&update, settings);
        check_that(update.log_next <= LOG_BYTES / 2u, "the next record lies in its page");
        const asd_update_status status = asd_update_boot(&update, &slot, &bundle, &is_trial);
        check_that(status == ASD_UPDATE_OK || status == ASD_UPDATE_NO_MODEL || status == ASD_UPDATE_FLASH_FAILED,
                   "a boot ends in one of three ways");
        if (status == ASD_UPDATE_OK) {
            check_that(slot < 2u, "there are two slots");
            const uint8_t *const found = &flash->bytes[LOG_BYTES + slot * SLOT_BYTES];
            check_that(is_for_this_device(found) && is_whole(found), "what boots is signed, for this device and whole");
            check_that(memcmp(&bundle, found, sizeof bundle) == 0, "what it says of itself is what lies there");
            n_trials += is_trial ? 1u : 0u;
        }
    }
    /* one more where the log says 2^32 - 1 attempts */
    check_that(n_trials <= ASD_UPDATE_MOST_ATTEMPTS + 1u, "a trial ends");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    static fuzz_flash flash;
    fuzz_input input = {data, n_bytes};
    count_input(n_bytes);
    memset(&flash, 0, sizeof flash);
    flash.may_change_until = LOG_BYTES; /* a boot writes records, and never a slot */
    for (uint32_t slot = 0; slot < 2u; slot++) {
        write_bundle(&flash.bytes[LOG_BYTES + slot * SLOT_BYTES], &input);
    }
    for (uint32_t i = 0; i < N_RECORDS; i++) {
        write_log_record(&flash, &flash.bytes[i * ASD_UPDATE_RECORD_BYTES], &input);
    }
    const uint32_t bad = take(&input, 2);
    for (uint32_t page = 0; page < FLASH_BYTES / PAGE_BYTES; page++) {
        flash.is_bad[page] = (bad >> page & 1u) != 0;
    }
    const asd_update_settings settings = fuzz_settings(&flash);
    boot(&flash, &settings);
    return 0;
}
