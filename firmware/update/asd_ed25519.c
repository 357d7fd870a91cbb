/* Ed25519 verification, RFC 8032 5.1: S B = R + k A, that is, the encoding of S B - k A is R. */
#include <string.h>

#include "asd/asd_signature.h"
#include "asd_field25519.h"

/* Extended coordinates (Hisil et al. 2008): x = X / Z, y = Y / Z, x y = T / Z. */
typedef struct {
    field25519 x, y, z, t;
} point;

static const field25519 one = {{1u, 0, 0, 0, 0, 0, 0, 0}}, zero = {{0}};
static const field25519 d = {{0x135978A3u, 0x75EB4DCAu, 0x4141D8ABu, 0x00700A4Du, 0x7779E898u, 0x8CC74079u, 0x2B6FFE73u,
                              0x52036CEEu}}; /* -121665 / 121666 */
static const field25519 twice_d = {
    {0x26B2F159u, 0xEBD69B94u, 0x8283B156u, 0x00E0149Au, 0xEEF3D130u, 0x198E80F2u, 0x56DFFCE7u, 0x2406D9DCu}};
static const field25519 root_of_minus_one = {
    {0x4A0EA0B0u, 0xC4EE1B27u, 0xAD2FE478u, 0x2F431806u, 0x3DFBD7A7u, 0x2B4D0099u, 0x4FC1DF0Bu, 0x2B832480u}};
static const point base_point = {
    {{0x8F25D51Au, 0xC9562D60u, 0x9525A7B2u, 0x692CC760u, 0xFDD6DC5Cu, 0xC0A4E231u, 0xCD6E53FEu, 0x216936D3u}},
    {{0x66666658u, 0x66666666u, 0x66666666u, 0x66666666u, 0x66666666u, 0x66666666u, 0x66666666u,
      0x66666666u}}, /* 4 / 5 */
    {{1u, 0, 0, 0, 0, 0, 0, 0}},
    {{0xA5B7DDA3u, 0x6DDE8AB3u, 0x775152F5u, 0x20F09F80u, 0x64ABE37Du, 0x66EA4E8Eu, 0xD78B7665u, 0x67875F0Fu}},
};
static const uint32_t order[8] = {0x5CF5D3EDu, 0x5812631Au, 0xA2F79CD6u, 0x14DEF9DEu,
                                  0x00000000u, 0x00000000u, 0x00000000u, 0x10000000u};
static const uint32_t minus_two[8] = {0xFFFFFFEBu, 0xFFFFFFFFu, 0xFFFFFFFFu, 0xFFFFFFFFu,
                                      0xFFFFFFFFu, 0xFFFFFFFFu, 0xFFFFFFFFu, 0x7FFFFFFFu};
static const uint32_t root_exponent[8] = {0xFFFFFFFDu, 0xFFFFFFFFu, 0xFFFFFFFFu, 0xFFFFFFFFu,
                                          0xFFFFFFFFu, 0xFFFFFFFFu, 0xFFFFFFFFu, 0x0FFFFFFFu}; /* (p - 5) / 8 */

static void read_words(uint32_t words[8], const uint8_t bytes[32])
{
    for (uint32_t i = 0; i < 8u; i++) {
        const uint8_t *const at = &bytes[4u * i];
        words[i] = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
    }
}

static bool is_below(const uint32_t a[8], const uint32_t b[8])
{
    for (uint32_t i = 8; i-- > 0;) {
        if (a[i] != b[i]) {
            return a[i] < b[i];
        }
    }
    return false;
}

/* The formulas hold for any two points of this curve, equal ones and the neutral one included. */
static void add_points(point *out, const point *p, const point *q)
{
    field25519 a, b, c, e, f, g, h;
    field25519_subtract(&a, &p->y, &p->x);
    field25519_subtract(&b, &q->y, &q->x);
    field25519_multiply(&a, &a, &b);
    field25519_add(&b, &p->y, &p->x);
    field25519_add(&c, &q->y, &q->x);
    field25519_multiply(&b, &b, &c);
    field25519_subtract(&e, &b, &a);
    field25519_add(&h, &b, &a);
    field25519_multiply(&c, &p->t, &q->t);
    field25519_multiply(&c, &c, &twice_d);
    field25519_multiply(&a, &p->z, &q->z);
    field25519_add(&a, &a, &a);
    field25519_subtract(&f, &a, &c);
    field25519_add(&g, &a, &c);
    field25519_multiply(&out->x, &e, &f);
    field25519_multiply(&out->y, &g, &h);
    field25519_multiply(&out->z, &f, &g);
    field25519_multiply(&out->t, &e, &h);
}

static void negate(field25519 *value)
{
    field25519_subtract(value, &zero, value);
}

/* x^2 = (y^2 - 1) / (d y^2 + 1), RFC 8032 5.1.3; false: no point of the curve, or not its only encoding. */
static bool decode_point(point *out, const uint8_t encoded[32])
{
    static const uint32_t p[8] = {0xFFFFFFEDu, 0xFFFFFFFFu, 0xFFFFFFFFu, 0xFFFFFFFFu,
                                  0xFFFFFFFFu, 0xFFFFFFFFu, 0xFFFFFFFFu, 0x7FFFFFFFu};
    field25519 u, v, v3, power;
    read_words(out->y.words, encoded);
    const bool is_odd = (out->y.words[7] >> 31) != 0;
    out->y.words[7] &= 0x7FFFFFFFu;
    if (!is_below(out->y.words, p)) {
        return false;
    }
    field25519_multiply(&u, &out->y, &out->y);
    field25519_multiply(&v, &u, &d);
    field25519_subtract(&u, &u, &one);
    field25519_add(&v, &v, &one);
    field25519_multiply(&v3, &v, &v);
    field25519_multiply(&v3, &v3, &v);
    field25519_multiply(&power, &v3, &v3);
    field25519_multiply(&power, &power, &v);
    field25519_multiply(&power, &power, &u);
    field25519_power(&power, &power, root_exponent);
    field25519_multiply(&out->x, &u, &v3);
    field25519_multiply(&out->x, &out->x, &power);
    field25519_multiply(&power, &out->x, &out->x);
    field25519_multiply(&power, &power, &v);
    if (!field25519_equal(&power, &u)) {
        negate(&u);
        if (!field25519_equal(&power, &u)) {
            return false;
        }
        field25519_multiply(&out->x, &out->x, &root_of_minus_one);
    }
    if (is_odd && field25519_equal(&out->x, &zero)) {
        return false;
    }
    field25519_reduce(&out->x);
    if (((out->x.words[0] & 1u) != 0) != is_odd) {
        negate(&out->x);
    }
    out->z = one;
    field25519_multiply(&out->t, &out->x, &out->y);
    return true;
}

static void encode_point(uint8_t encoded[32], const point *p)
{
    field25519 inverse, x, y;
    field25519_power(&inverse, &p->z, minus_two);
    field25519_multiply(&x, &p->x, &inverse);
    field25519_multiply(&y, &p->y, &inverse);
    field25519_reduce(&x);
    field25519_reduce(&y);
    y.words[7] |= x.words[0] << 31;
    for (uint32_t i = 0; i < 32u; i++) {
        encoded[i] = (uint8_t)(y.words[i / 4u] >> (8u * (i % 4u)));
    }
}

/* 512 bits, least significant byte first, modulo the base point's order: bit by bit. */
static void reduce_scalar(uint32_t out[8], const uint8_t digest[ASD_SHA512_BYTES])
{
    memset(out, 0, 8u * sizeof *out);
    for (uint32_t bit = 8u * ASD_SHA512_BYTES; bit-- > 0;) {
        uint32_t carry = ((uint32_t)digest[bit / 8u] >> (bit % 8u)) & 1u;
        for (uint32_t i = 0; i < 8u; i++) {
            const uint32_t high = out[i] >> 31;
            out[i] = out[i] << 1 | carry;
            carry = high;
        }
        if (!is_below(out, order)) {
            int64_t borrow = 0;
            for (uint32_t i = 0; i < 8u; i++) {
                borrow += (int64_t)out[i] - order[i];
                out[i] = (uint32_t)borrow;
                borrow >>= 32;
            }
        }
    }
}

/* s * p + k * q, both scalars from the top bit down together. */
static void add_multiples(point *out, const uint32_t s[8], const point *p, const uint32_t k[8], const point *q)
{
    point both;
    add_points(&both, p, q);
    *out = (point){zero, one, one, zero};
    for (uint32_t bit = 256; bit-- > 0;) {
        add_points(out, out, out);
        const uint32_t of_s = s[bit / 32u] >> bit % 32u & 1u, of_k = k[bit / 32u] >> bit % 32u & 1u;
        if (of_s + of_k > 0) {
            add_points(out, out, of_s == 0 ? q : of_k == 0 ? p : &both);
        }
    }
}

bool asd_ed25519_verify(const uint8_t public_key[ASD_ED25519_KEY_BYTES], const uint8_t *message, uint32_t n_message,
                        const uint8_t signature[ASD_ED25519_SIGNATURE_BYTES])
{
    uint8_t digest[ASD_SHA512_BYTES], encoded[32];
    uint32_t s[8], k[8];
    point a, sum;
    asd_sha512 hash;
    read_words(s, &signature[32]);
    if (!is_below(s, order) || !decode_point(&a, public_key)) {
        return false;
    }
    asd_sha512_start(&hash);
    asd_sha512_add(&hash, signature, 32);
    asd_sha512_add(&hash, public_key, ASD_ED25519_KEY_BYTES);
    asd_sha512_add(&hash, message, n_message);
    asd_sha512_finish(&hash, digest);
    reduce_scalar(k, digest);
    negate(&a.x);
    negate(&a.t);
    add_multiples(&sum, s, &base_point, k, &a);
    encode_point(encoded, &sum);
    return memcmp(encoded, signature, sizeof encoded) == 0;
}
