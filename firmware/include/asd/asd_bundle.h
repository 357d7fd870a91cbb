/* A bundle as it travels and as it lies in a slot: header, signature, zeros, model image; update/DESIGN.md. */
#ifndef ASD_BUNDLE_H
#define ASD_BUNDLE_H

#include "asd/asd_signature.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ASD_BUNDLE_MAGIC 0x42445341u /* "ASDB" */
#define ASD_BUNDLE_FORMAT 1u
#define ASD_BUNDLE_HEADER_BYTES 512u /* the image lies behind it */
#define ASD_BUNDLE_SIGNED_BYTES 256u /* the signature lies behind them */

/* Little-endian; what is signed. */
typedef struct {
    uint32_t magic;
    uint16_t format;
    uint16_t signed_bytes;
    char board[32];   /* ended by 0 */
    char machine[48]; /* "fan/id_00", ended by 0 */
    uint32_t least_firmware;
    uint32_t version; /* rises with every release */
    uint32_t image_bytes;
    uint32_t class_index;
    uint8_t image_sha256[ASD_SHA256_BYTES];
    int64_t threshold_q16;
    uint32_t test_seed;                           /* of the self-test's clip */
    uint32_t test_samples;                        /* its length */
    int64_t test_score_q16;                       /* what the model gives for it */
    uint8_t test_output_sha256[ASD_SHA256_BYTES]; /* of the embedding's codes; of an autoencoder all its vectors */
    uint8_t reserved[64];
} asd_bundle;

typedef enum {
    ASD_BUNDLE_OK = 0,
    ASD_BUNDLE_NOT_A_BUNDLE = 1,
    ASD_BUNDLE_OTHER_FORMAT = 2,
    ASD_BUNDLE_NOT_SIGNED = 3, /* by none of the keys, or bytes behind the signature aren't zero */
    ASD_BUNDLE_OTHER_BOARD = 4,
    ASD_BUNDLE_NEEDS_FIRMWARE = 5,
    ASD_BUNDLE_TOO_LARGE = 6,
    ASD_BUNDLE_DAMAGED = 7, /* the image's hash */
} asd_bundle_status;

typedef bool (*asd_verify_fn)(const uint8_t public_key[ASD_ED25519_KEY_BYTES], const uint8_t *message,
                              uint32_t n_message, const uint8_t signature[ASD_ED25519_SIGNATURE_BYTES]);

/* Who may sign, and what fits this device. */
typedef struct {
    const uint8_t (*public_keys)[ASD_ED25519_KEY_BYTES];
    uint32_t n_keys;
    asd_verify_fn verify; /* asd_ed25519_verify */
    const char *board;
    uint32_t firmware;
    uint32_t most_image_bytes;
} asd_bundle_rules;

/* The first ASD_BUNDLE_HEADER_BYTES of a bundle. The signature is checked before any other field is believed. */
asd_bundle_status asd_bundle_check(asd_bundle *bundle, const uint8_t *header, const asd_bundle_rules *rules);

#ifdef __cplusplus
}
#endif

#endif
