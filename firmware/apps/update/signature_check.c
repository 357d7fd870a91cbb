/* Signed messages -> a byte each, 1 where the signature is right; then the two hashes of all messages in a row. */
#include "asd/asd_port.h"
#include "asd/asd_signature.h"

#define MOST_BYTES 4096u

typedef struct {
    uint8_t public_key[ASD_ED25519_KEY_BYTES];
    uint8_t signature[ASD_ED25519_SIGNATURE_BYTES];
    uint32_t n_message; /* its bytes follow */
} signed_message;

int main(void)
{
    static signed_message given;
    static uint8_t message[MOST_BYTES];
    uint8_t short_digest[ASD_SHA256_BYTES], long_digest[ASD_SHA512_BYTES];
    asd_sha256 short_hash;
    asd_sha512 long_hash;
    asd_sha256_start(&short_hash);
    asd_sha512_start(&long_hash);
    while (asd_port_read(&given, sizeof given)) {
        if (given.n_message > MOST_BYTES || !asd_port_read(message, given.n_message)) {
            asd_port_exit(1);
        }
        const uint8_t is_right = asd_ed25519_verify(given.public_key, message, given.n_message, given.signature);
        asd_port_write(&is_right, 1);
        asd_sha256_add(&short_hash, message, given.n_message);
        asd_sha512_add(&long_hash, message, given.n_message);
    }
    asd_sha256_finish(&short_hash, short_digest);
    asd_sha512_finish(&long_hash, long_digest);
    asd_port_write(short_digest, sizeof short_digest);
    asd_port_write(long_digest, sizeof long_digest);
    asd_port_exit(0);
    return 0;
}
