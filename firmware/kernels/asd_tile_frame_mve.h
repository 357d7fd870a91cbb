/* What the assembly of asd_tiles_s8_mve_helium.S and asd_depthwise_tiles_s8_mve_helium.S reads, and how a C kernel
 * fills it.
 *
 * A sum x (its bias included) becomes the code's difference c to the zero point as asd_rescale_s32 does it:
 *   y = VQRDMULH(x << left, multiplier)           floor((x * multiplier + 2^30) / 2^31)
 *   c = VRSHL(y + (y >> 31), -right)              halves away from zero: one less where negative, then halves upward
 * which needs right >= 1: in channels with right = 0, "general" tiles double y and shift by 1. Then c is clamped in
 * 16 bits and the activation follows:
 *   none    c + zero point
 *   prelu   c >= 0: one entry of a table of all its values, which are the same in every channel
 *           c < 0:  VRSHL(VQRDMULH(c * slope, multiplier) + negative_add, -right), where negative_add is
 *                   zero point * 2^right, less 1 where the slope is positive and thus y never is
 *   table   one entry of the activation's table
 */
#ifndef ASD_TILE_FRAME_MVE_H
#define ASD_TILE_FRAME_MVE_H

#include <arm_mve.h>
#include <stdbool.h>
#include <stddef.h>

#include "asd_mve_steps.h"

#define ASD_LIMIT_OF_RIGHT 24 /* |c * slope| < 2^15: a shift by as much gives 0, and zero point * 2^23 is an int32 */

/* The negative branch of PReLU. */
typedef struct {
    int32_t multiplier;
    int32_t right; /* negative, for VRSHL */
    int32_t left;
    int32_t add;         /* negative_add where the slope isn't positive */
    int32_t is_rounding; /* 1: right isn't 0 */
} asd_negative_branch;

static inline asd_negative_branch asd_negative_branch_of(const asd_requantization *requantization)
{
    const asd_factor factor = requantization->negative;
    const int32_t zero_point = requantization->prelu_zero_point;
    const int32_t right = factor.shift < 0 ? -factor.shift : 0;
    if (right >= ASD_LIMIT_OF_RIGHT) {
        const asd_negative_branch zeros = {0, 0, 0, zero_point, 0};
        return zeros;
    }
    const asd_negative_branch branch = {factor.multiplier, -right, factor.shift > 0 ? factor.shift : 0,
                                        zero_point * (1 << right), right > 0};
    return branch;
}

/* asd_rescale_s32 of four values, the shift split as the instructions want it */
typedef struct {
    int32_t left;
    int32_t multiplier;
    int32_t right;      /* negative, for VRSHL */
    int32x4_t is_right; /* -1, or 0 where there is nothing to round */
} asd_factor_x4;

static inline asd_factor_x4 asd_factor_x4_of(asd_factor factor, int32_t headroom)
{
    const bool is_right = factor.shift < 0;
    const asd_factor_x4 split = {headroom + (is_right ? 0 : factor.shift), factor.multiplier,
                                 is_right ? factor.shift : 0, vdupq_n_s32(is_right ? -1 : 0)};
    return split;
}

static inline int32x4_t asd_rescale_x4(int32x4_t values, asd_factor_x4 factor)
{
    const int32x4_t y = vqrdmulhq_n_s32(vshlq_r_s32(values, factor.left), factor.multiplier);
    return vrshlq_n_s32(vaddq_s32(y, vandq_s32(vshrq_n_s32(y, 31), factor.is_right)), factor.right);
}

/* PReLU's codes of x = 0..high - zero_point; `codes` has room for 256. */
static inline void asd_positive_branch(const asd_requantization *requantization, int8_t *codes)
{
    const int32x4_t low = vdupq_n_s32(-128), high = vdupq_n_s32(127);
    const asd_factor_x4 factor = asd_factor_x4_of(requantization->positive, 0);
    int32x4_t x = {0, 1, 2, 3};
    for (int32_t i = 0; i <= requantization->high - requantization->zero_point; i += 4) {
        int32x4_t y = asd_rescale_x4(x, factor);
        y = vqaddq_n_s32(y, requantization->prelu_zero_point);
        vstrbq_s32(codes + i, vmaxq_s32(vminq_s32(y, high), low));
        x = vaddq_n_s32(x, 4);
    }
}

#endif
