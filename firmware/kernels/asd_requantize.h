/* int32 sums -> int8 codes and the activation after them, by the two roundings of asd_rescale_s32. */
#ifndef ASD_REQUANTIZE_H
#define ASD_REQUANTIZE_H

#include "asd/asd_fixed_point.h"
#include "asd_kernels.h"

static inline int32_t asd_clamp_s32(int32_t value, int32_t low, int32_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* clamp(value + zero_point, low, high) for any value */
static inline int32_t asd_code_s32(int32_t value, int32_t zero_point, int32_t low, int32_t high)
{
    return asd_clamp_s32(value, low - zero_point, high - zero_point) + zero_point;
}

/* The code of a sum that has its bias. */
static inline int32_t asd_requantize_s32(int32_t sum, int32_t multiplier, int32_t shift, int32_t zero_point,
                                         int32_t low, int32_t high)
{
    return asd_code_s32(asd_rescale_s32(sum, multiplier, shift), zero_point, low, high);
}

/* The code of x where x >= 0, slope * x elsewhere; x = code - zero point, -255..255. */
static inline int32_t asd_prelu_s32(int32_t x, int32_t slope, asd_factor positive, asd_factor negative,
                                    int32_t zero_point)
{
    /* without a branch on the sign, which is as good as random */
    const int32_t sign = x >> 31;
    const int32_t multiplier = positive.multiplier + ((negative.multiplier - positive.multiplier) & sign);
    const int32_t shift = positive.shift + ((negative.shift - positive.shift) & sign);
    const int32_t value = asd_rescale_s32(x * (1 + ((slope - 1) & sign)), multiplier, shift);
    return asd_code_s32(value, zero_point, -128, 127);
}

/* Sums of n channels from first_channel on, without their bias -> codes after the activation. */
void asd_requantize_s8(const asd_requantization *requantization, uint32_t first_channel, uint32_t n,
                       const int32_t *sums, int8_t *codes);

#endif
