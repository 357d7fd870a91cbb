/* SHA-256, SHA-512 (FIPS 180-4) and Ed25519 verification (RFC 8032), for bundles that somebody else has signed.
 * Nothing here knows a secret, so nothing takes constant time. */
#ifndef ASD_SIGNATURE_H
#define ASD_SIGNATURE_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASD_SHA256_BYTES 32u
#define ASD_SHA512_BYTES 64u
#define ASD_ED25519_KEY_BYTES 32u
#define ASD_ED25519_SIGNATURE_BYTES 64u

/* The caller's, of a hash under way. */
typedef struct {
    uint32_t state[8];
    uint64_t n_bytes;
    uint8_t block[64];
} asd_sha256;

void asd_sha256_start(asd_sha256 *hash);
void asd_sha256_add(asd_sha256 *hash, const uint8_t *bytes, uint32_t n_bytes);
void asd_sha256_finish(asd_sha256 *hash, uint8_t digest[ASD_SHA256_BYTES]);

typedef struct {
    uint64_t state[8];
    uint64_t n_bytes;
    uint8_t block[128];
} asd_sha512;

void asd_sha512_start(asd_sha512 *hash);
void asd_sha512_add(asd_sha512 *hash, const uint8_t *bytes, uint32_t n_bytes);
void asd_sha512_finish(asd_sha512 *hash, uint8_t digest[ASD_SHA512_BYTES]);

/* Whether `signature` is that of the message by the owner of the public key: cofactorless, S and the encoded points
 * canonical, as RFC 8032, 5.1.7. Takes some 2 KB of stack. */
bool asd_ed25519_verify(const uint8_t public_key[ASD_ED25519_KEY_BYTES], const uint8_t *message, uint32_t n_message,
                        const uint8_t signature[ASD_ED25519_SIGNATURE_BYTES]);

#ifdef __cplusplus
}
#endif

#endif
