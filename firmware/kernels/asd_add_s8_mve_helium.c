/* asd_add_s8 four values at a time, for cores with MVE integer. */
#include "asd_tile_frame_mve.h"

#define LEFT_SHIFT 20 /* headroom of the operands */

typedef struct {
    asd_factor_x4 first;
    asd_factor_x4 second;
    asd_factor_x4 sum;
    int32x4_t low;
    int32x4_t high;
} factors_x4;

static inline int32x4_t add_x4(const asd_add_params *params, const factors_x4 *factors, int32x4_t first,
                               int32x4_t second)
{
    const int32x4_t x = asd_rescale_x4(vsubq_n_s32(first, params->input_zero_points[0]), factors->first);
    const int32x4_t y = asd_rescale_x4(vsubq_n_s32(second, params->input_zero_points[1]), factors->second);
    const int32x4_t code = vqaddq_n_s32(asd_rescale_x4(vaddq_s32(x, y), factors->sum), params->output_zero_point);
    return vmaxq_s32(vminq_s32(code, factors->high), factors->low);
}

void asd_add_s8(const asd_add_params *params, const int8_t *first, const int8_t *second, int8_t *output)
{
    const asd_add_params constants = *params; /* the output may not change them */
    const factors_x4 factors = {
        asd_factor_x4_of(constants.factors[0], LEFT_SHIFT), asd_factor_x4_of(constants.factors[1], LEFT_SHIFT),
        asd_factor_x4_of(constants.sum_factor, 0), vdupq_n_s32(constants.low), vdupq_n_s32(constants.high)};
    for (uint32_t n = constants.n_values / 4u; n > 0; n--, first += 4, second += 4, output += 4) {
        vstrbq_s32(output, add_x4(&constants, &factors, vldrbq_s32(first), vldrbq_s32(second)));
    }
    const mve_pred16_t rest = vctp32q(constants.n_values % 4u);
    const int32x4_t x = vldrbq_z_s32(first, rest), y = vldrbq_z_s32(second, rest);
    vstrbq_p_s32(output, add_x4(&constants, &factors, x, y), rest);
}
