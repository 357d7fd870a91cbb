/* Any bytes -> the header of a bundle and what follows -> checked and installed; for libFuzzer. The first byte says
 * how: with Ed25519 itself, or with a signature that the bytes may have right. */
#include <stdlib.h>
#include <string.h>

#include "fuzz_count.h"
#include "fuzz_flash.h"

#define MOST_BLOCK 200u
#define WITH_ED25519 0xEDu
#define REPAIR_HASH 1u
#define REPAIR_MAGIC 2u

/* Nothing that the fuzzer makes up is signed, whatever it says. */
static void check_with_ed25519(const uint8_t *header)
{
    static const uint8_t key[1][ASD_ED25519_KEY_BYTES] = {
        {0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a,
         0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a}};
    const asd_bundle_rules rules = {key, 1, asd_ed25519_verify, BOARD_NAME, FIRMWARE_VERSION, SLOT_BYTES};
    asd_bundle bundle;
    const asd_bundle_status status = asd_bundle_check(&bundle, header, &rules);
    check_that(status == ASD_BUNDLE_NOT_A_BUNDLE || status == ASD_BUNDLE_NOT_SIGNED, "nothing unsigned is believed");
}

static void repair(uint8_t *header, uint32_t how, const uint8_t *image, size_t n_image)
{
    asd_bundle bundle;
    asd_sha256 hash;
    memcpy(&bundle, header, sizeof bundle);
    if ((how & REPAIR_MAGIC) != 0) {
        bundle.magic = ASD_BUNDLE_MAGIC;
        header[ASD_BUNDLE_SIGNED_BYTES] = ASD_FUZZ_SIGNED;
    }
    if ((how & REPAIR_HASH) != 0) {
        bundle.image_bytes = (uint32_t)n_image;
        asd_sha256_start(&hash);
        asd_sha256_add(&hash, image, (uint32_t)n_image);
        asd_sha256_finish(&hash, bundle.image_sha256);
    }
    memcpy(header, &bundle, sizeof bundle);
}

static void install(const uint8_t *header, const uint8_t *image, size_t n_image)
{
    static fuzz_flash flash;
    asd_update_settings settings = fuzz_settings(&flash);
    asd_update update;
    asd_bundle bundle;
    uint32_t slot = 0, step = 1;
    bool is_trial = false;
    memset(flash.bytes, 0xFF, sizeof flash.bytes);
    flash.may_change_from = 0;
    flash.may_change_until = LOG_BYTES + SLOT_BYTES; /* a new device takes its first model into slot 0 */
    asd_update_open(&update, &settings);
    check_that(asd_update_boot(&update, &slot, &bundle, &is_trial) == ASD_UPDATE_NO_MODEL,
               "an empty flash boots nothing");
    const bool is_taken = asd_update_begin(&update, header) == ASD_UPDATE_OK;
    asd_update_status status = is_taken ? ASD_UPDATE_OK : ASD_UPDATE_REFUSED;
    for (size_t at = 0; at < n_image && status == ASD_UPDATE_OK; at += step) {
        step = n_image - at < MOST_BLOCK ? (uint32_t)(n_image - at) : 1u + image[at] % MOST_BLOCK;
        status = asd_update_write(&update, &image[at], step);
    }
    const bool is_installed = asd_update_finish(&update) == ASD_UPDATE_OK;
    check_that(!is_installed || (is_for_this_device(header) && n_image == update.incoming.image_bytes),
               "what is installed is signed, for this device and complete");
    check_that(is_taken || !is_installed, "what was refused isn't installed");
    asd_update_open(&update, &settings);
    const asd_update_status boot = asd_update_boot(&update, &slot, &bundle, &is_trial);
    check_that(boot == ASD_UPDATE_OK || !is_installed, "what was installed boots");
    /* as what was written whole does, though its end was missed: a device without a log tries what it finds */
    check_that(boot != ASD_UPDATE_OK || (is_trial && slot == 0 && is_for_this_device(&flash.bytes[LOG_BYTES]) &&
                                         is_whole(&flash.bytes[LOG_BYTES])),
               "what boots is signed, for this device, whole and on trial");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    if (n_bytes < 1u + ASD_BUNDLE_HEADER_BYTES || n_bytes > 1u + ASD_BUNDLE_HEADER_BYTES + 2u * SLOT_BYTES) {
        return 0;
    }
    count_input(n_bytes);
    uint8_t *const header = malloc(ASD_BUNDLE_HEADER_BYTES); /* not a byte more: an access beyond is seen */
    if (header == NULL) {
        abort();
    }
    const uint8_t *const image = &data[1u + ASD_BUNDLE_HEADER_BYTES];
    const size_t n_image = n_bytes - 1u - ASD_BUNDLE_HEADER_BYTES;
    memcpy(header, &data[1], ASD_BUNDLE_HEADER_BYTES);
    if (data[0] == WITH_ED25519) {
        check_with_ed25519(header);
    } else {
        repair(header, data[0], image, n_image);
        install(header, image, n_image);
    }
    free(header);
    return 0;
}
