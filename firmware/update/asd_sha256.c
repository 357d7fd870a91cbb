/* SHA-256 of FIPS 180-4, any number of bytes at a time. */
#include <string.h>

#include "asd/asd_signature.h"

#define BLOCK_BYTES 64u
#define LENGTH_BYTES 8u
#define N_ROUNDS 64u

/* The first 32 bits behind the point of the cube roots of the first 64 primes. */
/* clang-format off */
static const uint32_t round_constants[N_ROUNDS] = {
    0x428A2F98u, 0x71374491u, 0xB5C0FBCFu, 0xE9B5DBA5u, 0x3956C25Bu, 0x59F111F1u, 0x923F82A4u, 0xAB1C5ED5u,
    0xD807AA98u, 0x12835B01u, 0x243185BEu, 0x550C7DC3u, 0x72BE5D74u, 0x80DEB1FEu, 0x9BDC06A7u, 0xC19BF174u,
    0xE49B69C1u, 0xEFBE4786u, 0x0FC19DC6u, 0x240CA1CCu, 0x2DE92C6Fu, 0x4A7484AAu, 0x5CB0A9DCu, 0x76F988DAu,
    0x983E5152u, 0xA831C66Du, 0xB00327C8u, 0xBF597FC7u, 0xC6E00BF3u, 0xD5A79147u, 0x06CA6351u, 0x14292967u,
    0x27B70A85u, 0x2E1B2138u, 0x4D2C6DFCu, 0x53380D13u, 0x650A7354u, 0x766A0ABBu, 0x81C2C92Eu, 0x92722C85u,
    0xA2BFE8A1u, 0xA81A664Bu, 0xC24B8B70u, 0xC76C51A3u, 0xD192E819u, 0xD6990624u, 0xF40E3585u, 0x106AA070u,
    0x19A4C116u, 0x1E376C08u, 0x2748774Cu, 0x34B0BCB5u, 0x391C0CB3u, 0x4ED8AA4Au, 0x5B9CCA4Fu, 0x682E6FF3u,
    0x748F82EEu, 0x78A5636Fu, 0x84C87814u, 0x8CC70208u, 0x90BEFFFAu, 0xA4506CEBu, 0xBEF9A3F7u, 0xC67178F2u,
};
/* clang-format on */

static uint32_t rotate(uint32_t value, uint32_t n)
{
    return value >> n | value << (32u - n);
}

static uint32_t read_word(const uint8_t *bytes)
{
    uint32_t word = 0;
    for (uint32_t i = 0; i < sizeof word; i++) {
        word = word << 8 | bytes[i];
    }
    return word;
}

/* The schedule is 16 words that are replaced as they are used. */
static uint32_t next_word(uint32_t words[16], uint32_t round)
{
    const uint32_t w1 = words[(round + 1u) & 15u], w14 = words[(round + 14u) & 15u];
    const uint32_t small0 = rotate(w1, 7) ^ rotate(w1, 18) ^ w1 >> 3;
    const uint32_t small1 = rotate(w14, 17) ^ rotate(w14, 19) ^ w14 >> 10;
    const uint32_t word = words[round & 15u];
    words[round & 15u] = word + small0 + words[(round + 9u) & 15u] + small1;
    return word;
}

static void add_block(uint32_t state[8], const uint8_t *block)
{
    uint32_t words[16];
    for (uint32_t i = 0; i < 16u; i++) {
        words[i] = read_word(&block[i * sizeof words[0]]);
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (uint32_t round = 0; round < N_ROUNDS; round++) {
        const uint32_t sum0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
        const uint32_t sum1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
        const uint32_t choice = (e & f) ^ (~e & g);
        const uint32_t majority = (a & b) ^ (a & c) ^ (b & c);
        const uint32_t first = h + sum1 + choice + round_constants[round] + next_word(words, round);
        h = g;
        g = f;
        f = e;
        e = d + first;
        d = c;
        c = b;
        b = a;
        a = first + sum0 + majority;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
}

void asd_sha256_start(asd_sha256 *hash)
{
    /* likewise of the square roots of the first 8 primes */
    static const uint32_t start[8] = {0x6A09E667u, 0xBB67AE85u, 0x3C6EF372u, 0xA54FF53Au,
                                      0x510E527Fu, 0x9B05688Cu, 0x1F83D9ABu, 0x5BE0CD19u};
    memcpy(hash->state, start, sizeof start);
    hash->n_bytes = 0;
}

void asd_sha256_add(asd_sha256 *hash, const uint8_t *bytes, uint32_t n_bytes)
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
void asd_sha256_finish(asd_sha256 *hash, uint8_t digest[ASD_SHA256_BYTES])
{
    static const uint8_t one_bit = 0x80u, zero = 0;
    const uint64_t n_bits = hash->n_bytes * 8u;
    asd_sha256_add(hash, &one_bit, 1);
    while (hash->n_bytes % BLOCK_BYTES != BLOCK_BYTES - LENGTH_BYTES) {
        asd_sha256_add(hash, &zero, 1);
    }
    uint8_t length[LENGTH_BYTES] = {0};
    for (uint32_t i = 0; i < sizeof n_bits; i++) {
        length[LENGTH_BYTES - 1u - i] = (uint8_t)(n_bits >> (8u * i));
    }
    asd_sha256_add(hash, length, sizeof length);
    for (uint32_t i = 0; i < ASD_SHA256_BYTES; i++) {
        const uint32_t n_word = (uint32_t)sizeof hash->state[0];
        digest[i] = (uint8_t)(hash->state[i / n_word] >> (8u * (n_word - 1u - i % n_word)));
    }
}
