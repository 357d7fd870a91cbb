/* asd_accumulate_depthwise_s8 four channels at a time, for cores with MVE integer. */
#include <arm_mve.h>

#include "asd_kernel_steps.h"

static void multiply_add(const int8_t *codes, const int8_t *weights, int32_t zero_point, uint32_t n, int32_t *sums)
{
    for (uint32_t i = 0; i < n; i += 4u) {
        const mve_pred16_t lanes = vctp32q(n - i);
        const int32x4_t centred = vsubq_n_s32(vldrbq_z_s32(codes + i, lanes), zero_point);
        const int32x4_t products = vmulq_s32(centred, vldrbq_z_s32(weights + i, lanes));
        vstrwq_p_s32(sums + i, vaddq_s32(vldrwq_z_s32(sums + i, lanes), products), lanes);
    }
}

void asd_accumulate_depthwise_s8(const asd_conv2d_params *params, const int8_t *column, uint32_t time, int32_t *sums)
{
    const uint32_t n_channels = params->n_channels_out;
    for (uint32_t row = 0; row < params->n_mels_out; row++, sums += n_channels) {
        const uint32_t start = row * params->stride_mel;
        const asd_kernel_rows rows = asd_rows_on_map(start, params->kernel_mel, params->pad_mel, params->n_mels_in);
        for (uint32_t mel = rows.first; mel < rows.first + rows.n; mel++) {
            multiply_add(column + (start + mel - params->pad_mel) * n_channels,
                         params->weights + (time * params->kernel_mel + mel) * n_channels, params->input_zero_point,
                         n_channels, sums);
        }
    }
}
