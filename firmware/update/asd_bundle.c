/* The header of a bundle -> whether this device takes it. */
#include "asd/asd_bundle.h"

#include <stddef.h>
#include <string.h>

typedef char asd_bundle_is_256_bytes[sizeof(asd_bundle) == ASD_BUNDLE_SIGNED_BYTES ? 1 : -1];

/* What lies between signature and image is zeros: no byte of a bundle is anybody's choice but its owner's. */
static bool is_padded(const uint8_t *header)
{
    uint8_t any = 0;
    for (uint32_t i = ASD_BUNDLE_SIGNED_BYTES + ASD_ED25519_SIGNATURE_BYTES; i < ASD_BUNDLE_HEADER_BYTES; i++) {
        any |= header[i];
    }
    return any == 0;
}

static bool is_signed(const uint8_t *header, const asd_bundle_rules *rules)
{
    for (uint32_t i = 0; i < rules->n_keys; i++) {
        if (rules->verify(rules->public_keys[i], header, ASD_BUNDLE_SIGNED_BYTES, &header[ASD_BUNDLE_SIGNED_BYTES])) {
            return true;
        }
    }
    return false;
}

asd_bundle_status asd_bundle_check(asd_bundle *bundle, const uint8_t *header, const asd_bundle_rules *rules)
{
    memcpy(bundle, header, sizeof *bundle);
    if (bundle->magic != ASD_BUNDLE_MAGIC) {
        return ASD_BUNDLE_NOT_A_BUNDLE;
    }
    if (!is_padded(header) || !is_signed(header, rules)) {
        return ASD_BUNDLE_NOT_SIGNED;
    }
    if (bundle->format != ASD_BUNDLE_FORMAT || bundle->signed_bytes != ASD_BUNDLE_SIGNED_BYTES) {
        return ASD_BUNDLE_OTHER_FORMAT;
    }
    if (strncmp(bundle->board, rules->board, sizeof bundle->board) != 0) {
        return ASD_BUNDLE_OTHER_BOARD;
    }
    if (bundle->least_firmware > rules->firmware) {
        return ASD_BUNDLE_NEEDS_FIRMWARE;
    }
    return bundle->image_bytes > rules->most_image_bytes ? ASD_BUNDLE_TOO_LARGE : ASD_BUNDLE_OK;
}
