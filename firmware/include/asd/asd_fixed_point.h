/* Rounding and saturation of all integer arithmetic in C99. Right shifts of negative values are arithmetic, as GCC and
 * Clang define them. Cores with the DSP extension have the steps that multiply in assembly (frontend/asd_*_dsp.S). */
#ifndef ASD_FIXED_POINT_H
#define ASD_FIXED_POINT_H

#include <stdint.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "pairs of samples are read as little-endian words"
#endif

/* floor((value * factor + 2^31) / 2^32) */
static inline int32_t asd_mulh_s32(int32_t value, int32_t factor)
{
    return (int32_t)(((int64_t)value * factor + INT64_C(0x80000000)) >> 32);
}

/* sum + floor((value * factor + 2^31) / 2^32) */
static inline int32_t asd_mulh_add_s32(int32_t sum, int32_t value, int32_t factor)
{
    return sum + asd_mulh_s32(value, factor);
}

/* sum + floor((-value * factor + 2^31) / 2^32): an exact half rounds up, as in the other two */
static inline int32_t asd_mulh_sub_s32(int32_t sum, int32_t value, int32_t factor)
{
    return sum + (int32_t)((INT64_C(0x80000000) - (int64_t)value * factor) >> 32);
}

/* Two samples as one word: the first in the low half. `samples` is at a multiple of 4. */
static inline int32_t asd_load_pair_s16(const int16_t *samples)
{
    int32_t pair;
    memcpy(&pair, samples, sizeof pair);
    return pair;
}

/* floor(first sample of the pair * factor / 2^16) */
static inline int32_t asd_mul_first_s16(int32_t pair, int32_t factor)
{
    return (int32_t)(((int64_t)(int16_t)((uint32_t)pair & 0xFFFFu) * factor) >> 16);
}

/* floor(second sample of the pair * factor / 2^16) */
static inline int32_t asd_mul_second_s16(int32_t pair, int32_t factor)
{
    return (int32_t)(((int64_t)(pair >> 16) * factor) >> 16);
}

static inline int32_t asd_saturate_s8(int32_t value)
{
#if defined(__ARM_FEATURE_DSP)
    int32_t result;
    __asm__("ssat %0, #8, %1" : "=r"(result) : "r"(value));
    return result;
#else
    return value < -128 ? -128 : value > 127 ? 127 : value;
#endif
}

static inline int32_t asd_saturate_s16(int32_t value)
{
    return value < INT16_MIN ? INT16_MIN : value > INT16_MAX ? INT16_MAX : value;
}

/* round(round(value * 2^left * multiplier / 2^31) / 2^right), shift = left - right: gemmlowp's
 * SaturatingRoundingDoublingHighMul, a half up, then RoundingDivideByPOT, a half away from zero. multiplier is not
 * negative, shift is -31..31; bits that the left shift pushes out are lost. */
static inline int32_t asd_rescale_s32(int32_t value, int32_t multiplier, int32_t shift)
{
    const uint32_t left = shift > 0 ? (uint32_t)shift : 0;
    const int64_t product = (int64_t)(int32_t)((uint32_t)value << left) * multiplier;
    const int32_t high = (int32_t)(((uint64_t)product + 0x40000000u) >> 31);
    /* floor((high - [high < 0]) / 2^(right - 1)) + 1, halved; high > -2^31 since multiplier < 2^31 */
    return shift < 0 ? (((high + (high >> 31)) >> (-shift - 1)) + 1) >> 1 : high;
}

/* value * mantissa / 2^shift, a half away from zero, saturated: mantissa = high * 2^32 + low < 2^53, shift is 33..94.
 * The lower 32 bits of the product can't carry into a rounding that is at least 2^32 wide. */
static inline int32_t asd_rescale_once_s32(int32_t value, uint32_t low, uint32_t high, int32_t shift)
{
    const uint64_t magnitude = value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
    const uint64_t product = magnitude * high + ((magnitude * low) >> 32);
    const uint64_t rounded = (product + (UINT64_C(1) << (shift - 33))) >> (shift - 32);
    const int32_t saturated = rounded > INT32_MAX ? INT32_MAX : (int32_t)rounded;
    return value < 0 ? -saturated : saturated;
}

/* Zeros above the highest one of a word that isn't 0. */
static inline uint32_t asd_leading_zeros_u32(uint32_t word)
{
    return (uint32_t)__builtin_clz(word);
}

#endif
