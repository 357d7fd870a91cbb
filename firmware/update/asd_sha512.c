/* SHA-512 of FIPS 180-4, any number of bytes at a time. */
#include <string.h>

#include "asd/asd_signature.h"

#define BLOCK_BYTES 128u
#define LENGTH_BYTES 16u
#define N_ROUNDS 80u

/* The first 64 bits behind the point of the cube roots of the first 80 primes. */
/* clang-format off */
static const uint64_t round_constants[N_ROUNDS] = {
    0x428A2F98D728AE22u, 0x7137449123EF65CDu, 0xB5C0FBCFEC4D3B2Fu, 0xE9B5DBA58189DBBCu,
    0x3956C25BF348B538u, 0x59F111F1B605D019u, 0x923F82A4AF194F9Bu, 0xAB1C5ED5DA6D8118u,
    0xD807AA98A3030242u, 0x12835B0145706FBEu, 0x243185BE4EE4B28Cu, 0x550C7DC3D5FFB4E2u,
    0x72BE5D74F27B896Fu, 0x80DEB1FE3B1696B1u, 0x9BDC06A725C71235u, 0xC19BF174CF692694u,
    0xE49B69C19EF14AD2u, 0xEFBE4786384F25E3u, 0x0FC19DC68B8CD5B5u, 0x240CA1CC77AC9C65u,
    0x2DE92C6F592B0275u, 0x4A7484AA6EA6E483u, 0x5CB0A9DCBD41FBD4u, 0x76F988DA831153B5u,
    0x983E5152EE66DFABu, 0xA831C66D2DB43210u, 0xB00327C898FB213Fu, 0xBF597FC7BEEF0EE4u,
    0xC6E00BF33DA88FC2u, 0xD5A79147930AA725u, 0x06CA6351E003826Fu, 0x142929670A0E6E70u,
    0x27B70A8546D22FFCu, 0x2E1B21385C26C926u, 0x4D2C6DFC5AC42AEDu, 0x53380D139D95B3DFu,
    0x650A73548BAF63DEu, 0x766A0ABB3C77B2A8u, 0x81C2C92E47EDAEE6u, 0x92722C851482353Bu,
    0xA2BFE8A14CF10364u, 0xA81A664BBC423001u, 0xC24B8B70D0F89791u, 0xC76C51A30654BE30u,
    0xD192E819D6EF5218u, 0xD69906245565A910u, 0xF40E35855771202Au, 0x106AA07032BBD1B8u,
    0x19A4C116B8D2D0C8u, 0x1E376C085141AB53u, 0x2748774CDF8EEB99u, 0x34B0BCB5E19B48A8u,
    0x391C0CB3C5C95A63u, 0x4ED8AA4AE3418ACBu, 0x5B9CCA4F7763E373u, 0x682E6FF3D6B2B8A3u,
    0x748F82EE5DEFB2FCu, 0x78A5636F43172F60u, 0x84C87814A1F0AB72u, 0x8CC702081A6439ECu,
    0x90BEFFFA23631E28u, 0xA4506CEBDE82BDE9u, 0xBEF9A3F7B2C67915u, 0xC67178F2E372532Bu,
    0xCA273ECEEA26619Cu, 0xD186B8C721C0C207u, 0xEADA7DD6CDE0EB1Eu, 0xF57D4F7FEE6ED178u,
    0x06F067AA72176FBAu, 0x0A637DC5A2C898A6u, 0x113F9804BEF90DAEu, 0x1B710B35131C471Bu,
    0x28DB77F523047D84u, 0x32CAAB7B40C72493u, 0x3C9EBE0A15C9BEBCu, 0x431D67C49C100D4Cu,
    0x4CC5D4BECB3E42B6u, 0x597F299CFC657E2Au, 0x5FCB6FAB3AD6FAECu, 0x6C44198C4A475817u,
};
/* clang-format on */

static uint64_t rotate(uint64_t value, uint32_t n)
{
    return value >> n | value << (64u - n);
}

static uint64_t read_word(const uint8_t *bytes)
{
    uint64_t word = 0;
    for (uint32_t i = 0; i < sizeof word; i++) {
        word = word << 8 | bytes[i];
    }
    return word;
}

/* The schedule is 16 words that are replaced as they are used. */
static uint64_t next_word(uint64_t words[16], uint32_t round)
{
    const uint64_t w1 = words[(round + 1u) & 15u], w14 = words[(round + 14u) & 15u];
    const uint64_t small0 = rotate(w1, 1) ^ rotate(w1, 8) ^ w1 >> 7;
    const uint64_t small1 = rotate(w14, 19) ^ rotate(w14, 61) ^ w14 >> 6;
    const uint64_t word = words[round & 15u];
    words[round & 15u] = word + small0 + words[(round + 9u) & 15u] + small1;
    return word;
}

static void add_block(uint64_t state[8], const uint8_t *block)
{
    uint64_t words[16], v[8];
    for (uint32_t i = 0; i < 16u; i++) {
        words[i] = read_word(&block[i * sizeof words[0]]);
    }
    memcpy(v, state, sizeof v);
    for (uint32_t round = 0; round < N_ROUNDS; round++) {
        const uint64_t sum0 = rotate(v[0], 28) ^ rotate(v[0], 34) ^ rotate(v[0], 39);
        const uint64_t sum1 = rotate(v[4], 14) ^ rotate(v[4], 18) ^ rotate(v[4], 41);
        const uint64_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
        const uint64_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
        const uint64_t first = v[7] + sum1 + choice + round_constants[round] + next_word(words, round);
        memmove(&v[1], &v[0], 7u * sizeof v[0]);
        v[4] += first;
        v[0] = first + sum0 + majority;
    }
    for (uint32_t i = 0; i < 8u; i++) {
        state[i] += v[i];
    }
}

void asd_sha512_start(asd_sha512 *hash)
{
    /* likewise of the square roots of the first 8 primes */
    static const uint64_t start[8] = {0x6A09E667F3BCC908u, 0xBB67AE8584CAA73Bu, 0x3C6EF372FE94F82Bu,
                                      0xA54FF53A5F1D36F1u, 0x510E527FADE682D1u, 0x9B05688C2B3E6C1Fu,
                                      0x1F83D9ABFB41BD6Bu, 0x5BE0CD19137E2179u};
    memcpy(hash->state, start, sizeof start);
    hash->n_bytes = 0;
}

void asd_sha512_add(asd_sha512 *hash, const uint8_t *bytes, uint32_t n_bytes)
{
    while (n_bytes > 0) {
        const uint32_t at = (uint32_t)(hash->n_bytes % BLOCK_BYTES);
        const uint32_t n = n_bytes < BLOCK_BYTES - at ? n_bytes : BLOCK_BYTES - at;
        memcpy(&hash->block[at], bytes, n);
        hash->n_bytes += n;
        bytes += n;
        n_bytes -= n;
        if (at + n == BLOCK_BYTES) {
            add_block(hash->state, hash->block);
        }
    }
}

/* One bit, zeros, the length in bits at the end of a block; messages here are shorter than 2^32 bytes. */
void asd_sha512_finish(asd_sha512 *hash, uint8_t digest[ASD_SHA512_BYTES])
{
    static const uint8_t one_bit = 0x80u, zero = 0;
    const uint64_t n_bits = hash->n_bytes * 8u;
    asd_sha512_add(hash, &one_bit, 1);
    while (hash->n_bytes % BLOCK_BYTES != BLOCK_BYTES - LENGTH_BYTES) {
        asd_sha512_add(hash, &zero, 1);
    }
    uint8_t length[LENGTH_BYTES] = {0};
    for (uint32_t i = 0; i < sizeof n_bits; i++) {
        length[LENGTH_BYTES - 1u - i] = (uint8_t)(n_bits >> (8u * i));
    }
    asd_sha512_add(hash, length, sizeof length);
    for (uint32_t i = 0; i < ASD_SHA512_BYTES; i++) {
        const uint32_t n_word = (uint32_t)sizeof hash->state[0];
        digest[i] = (uint8_t)(hash->state[i / n_word] >> (8u * (n_word - 1u - i % n_word)));
    }
}
