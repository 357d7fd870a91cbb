/* asd_mul_s8 four values at a time, for cores with MVE integer. */
#include "asd_tile_frame_mve.h"

static inline int32x4_t multiply_x4(const asd_mul_params *params, asd_factor_x4 factor, int32x4_t first,
                                    int32x4_t second)
{
    const int32x4_t x = vsubq_n_s32(first, params->input_zero_points[0]);
    const int32x4_t y = vsubq_n_s32(second, params->input_zero_points[1]);
    const int32x4_t code = vqaddq_n_s32(asd_rescale_x4(vmulq_s32(x, y), factor), params->output_zero_point);
    return vmaxq_s32(vminq_s32(code, vdupq_n_s32(params->high)), vdupq_n_s32(params->low));
}

void asd_mul_s8(const asd_mul_params *params, const int8_t *first, const int8_t *second, int8_t *output)
{
    const asd_mul_params constants = *params; /* the output may not change them */
    const asd_factor_x4 factor = asd_factor_x4_of(constants.factor, 0);
    for (uint32_t n = constants.n_values / 4u; n > 0; n--, first += 4, second += 4, output += 4) {
        vstrbq_s32(output, multiply_x4(&constants, factor, vldrbq_s32(first), vldrbq_s32(second)));
    }
    const mve_pred16_t rest = vctp32q(constants.n_values % 4u);
    const int32x4_t x = vldrbq_z_s32(first, rest), y = vldrbq_z_s32(second, rest);
    vstrbq_p_s32(output, multiply_x4(&constants, factor, x, y), rest);
}
