/* Softmax over the channels of each row: exps by table, their sum in Q12.19, its reciprocal by Newton's method as
 * gemmlowp's one_over_one_plus_x_for_x_in_0_1. */
#include "asd_requantize.h"

#define SUM_BITS 12 /* integer bits */

/* 2^31 / (1 + x / 2^31) for x in 0..2^31 - 1, saturated; y is Q2.29 */
static int32_t one_over_one_plus(int32_t x)
{
    const int32_t half = (int32_t)(((uint32_t)x + 0x80000000u) >> 1);
    int32_t y = 1515870810 + asd_rescale_s32(-1010580540, half, 0); /* 48/17 - 32/17 half */
    for (int32_t i = 0; i < 3; i++) {
        const int32_t error = (1 << 29) - asd_rescale_s32(y, half, 0);
        y += asd_rescale_s32(error, y, 0) * 4;
    }
    return y >= 1 << 30 ? INT32_MAX : y * 2;
}

void asd_softmax_s8(const asd_softmax_params *params, const int8_t *input, int8_t *output)
{
    const uint32_t n = params->n_channels;
    for (uint32_t row = 0; row < params->n_mels; row++, input += n, output += n) {
        int32_t greatest = -128;
        for (uint32_t i = 0; i < n; i++) {
            greatest = input[i] > greatest ? input[i] : greatest;
        }
        uint32_t sum = 0; /* 2^19..511 * 2^19 */
        for (uint32_t i = 0; i < n; i++) {
            sum += ((uint32_t)params->exps[greatest - input[i]] + (1u << (SUM_BITS - 1))) >> SUM_BITS;
        }
        const uint32_t n_leading_zeros = asd_leading_zeros_u32(sum); /* 4..12 */
        const int32_t reciprocal = one_over_one_plus((int32_t)((sum << n_leading_zeros) - 0x80000000u));
        const int32_t shift = (int32_t)n_leading_zeros - (SUM_BITS + 31 - 8);
        for (uint32_t i = 0; i < n; i++) {
            const int32_t exp = params->exps[greatest - input[i]];
            output[i] = (int8_t)asd_requantize_s32(exp, reciprocal, shift, -128, -128, 127);
        }
    }
}
