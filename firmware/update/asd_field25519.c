/* Arithmetic modulo p = 2^255 - 19: eight words of 32 bits, any value below 2^256 stands for its remainder. */
#include "asd_field25519.h"

#include <string.h>

#define FOLD 38u /* 2^256 modulo p */
#define N 8u

/* carry * 2^256 added back in; twice, as the first may carry again. */
static void fold(field25519 *out, uint64_t carry)
{
    for (uint32_t round = 0; round < 2u; round++) {
        carry *= FOLD;
        for (uint32_t i = 0; i < N; i++) {
            carry += out->words[i];
            out->words[i] = (uint32_t)carry;
            carry >>= 32;
        }
    }
}

void field25519_add(field25519 *out, const field25519 *a, const field25519 *b)
{
    uint64_t carry = 0;
    for (uint32_t i = 0; i < N; i++) {
        carry += (uint64_t)a->words[i] + b->words[i];
        out->words[i] = (uint32_t)carry;
        carry >>= 32;
    }
    fold(out, carry);
}

void field25519_subtract(field25519 *out, const field25519 *a, const field25519 *b)
{
    int64_t borrow = 0; /* 0 or -1 */
    for (uint32_t i = 0; i < N; i++) {
        borrow += (int64_t)a->words[i] - b->words[i];
        out->words[i] = (uint32_t)borrow;
        borrow >>= 32;
    }
    for (uint32_t round = 0; round < 2u; round++) {
        borrow *= (int64_t)FOLD;
        for (uint32_t i = 0; i < N; i++) {
            borrow += out->words[i];
            out->words[i] = (uint32_t)borrow;
            borrow >>= 32;
        }
    }
}

void field25519_multiply(field25519 *out, const field25519 *a, const field25519 *b)
{
    uint32_t product[2u * N] = {0};
    for (uint32_t i = 0; i < N; i++) {
        uint64_t carry = 0;
        for (uint32_t j = 0; j < N; j++) {
            carry += (uint64_t)a->words[i] * b->words[j] + product[i + j];
            product[i + j] = (uint32_t)carry;
            carry >>= 32;
        }
        product[i + N] = (uint32_t)carry;
    }
    uint64_t carry = 0;
    for (uint32_t i = 0; i < N; i++) {
        carry += (uint64_t)product[i + N] * FOLD + product[i];
        out->words[i] = (uint32_t)carry;
        carry >>= 32;
    }
    fold(out, carry);
}

/* The smallest of the values that stand for the same remainder: 2^255 folds to 19, and p + 19 is 2^255. */
void field25519_reduce(field25519 *value)
{
    for (uint32_t round = 0; round < 2u; round++) {
        uint64_t carry = (uint64_t)(value->words[N - 1u] >> 31) * 19u;
        value->words[N - 1u] &= 0x7FFFFFFFu;
        for (uint32_t i = 0; i < N; i++) {
            carry += value->words[i];
            value->words[i] = (uint32_t)carry;
            carry >>= 32;
        }
    }
    field25519 more = *value;
    uint64_t carry = 19u;
    for (uint32_t i = 0; i < N; i++) {
        carry += more.words[i];
        more.words[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if ((more.words[N - 1u] >> 31) != 0) {
        more.words[N - 1u] &= 0x7FFFFFFFu;
        *value = more;
    }
}

bool field25519_equal(const field25519 *a, const field25519 *b)
{
    field25519 difference;
    field25519_subtract(&difference, a, b);
    field25519_reduce(&difference);
    uint32_t any = 0;
    for (uint32_t i = 0; i < N; i++) {
        any |= difference.words[i];
    }
    return any == 0;
}

void field25519_power(field25519 *out, const field25519 *base, const uint32_t exponent[8])
{
    field25519 result = {{1u, 0, 0, 0, 0, 0, 0, 0}};
    for (uint32_t bit = 32u * N; bit-- > 0;) {
        field25519_multiply(&result, &result, &result);
        if ((exponent[bit / 32u] >> bit % 32u & 1u) != 0) {
            field25519_multiply(&result, &result, base);
        }
    }
    *out = result;
}
