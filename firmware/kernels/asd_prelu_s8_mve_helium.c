/* asd_prelu_s8 four channels at a time, for cores with MVE integer. */
#include "asd_tile_frame_mve.h"

void asd_prelu_s8(const asd_prelu_params *params, const int8_t *input, int8_t *output)
{
    const asd_factor_x4 positive = asd_factor_x4_of(params->positive, 0);
    const asd_factor_x4 negative = asd_factor_x4_of(params->negative, 0);
    const int32_t zero_point = params->input_zero_point, output_zero_point = params->output_zero_point;
    const int32x4_t low = vdupq_n_s32(-128), high = vdupq_n_s32(127);
    const int8_t *slopes = params->slopes;
    const uint32_t n_channels = params->n_channels;
    for (uint32_t row = 0; row < params->n_mels; row++, input += n_channels, output += n_channels) {
        for (uint32_t channel = 0; channel < n_channels; channel += 4u) {
            const mve_pred16_t lanes = vctp32q(n_channels - channel);
            const int32x4_t x = vsubq_n_s32(vldrbq_z_s32(input + channel, lanes), zero_point);
            const int32x4_t slope = vldrbq_z_s32(slopes + channel, lanes);
            const int32x4_t value = vpselq_s32(asd_rescale_x4(x, positive),
                                               asd_rescale_x4(vmulq_s32(x, slope), negative), vcmpgeq_n_s32(x, 0));
            const int32x4_t code = vqaddq_n_s32(value, output_zero_point);
            vstrbq_p_s32(output + channel, vmaxq_s32(vminq_s32(code, high), low), lanes);
        }
    }
}
