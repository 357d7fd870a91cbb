/* Rows of codes times weights that are packed for MVE -> rows of codes, in plain C. */
#include "asd_mve_steps.h"
#include "asd_requantize.h"

static void multiply_row(const asd_conv2d_params *params, const int8_t *codes, uint32_t n_taps, int8_t *output)
{
    const int8_t *weights = params->weights;
    for (uint32_t channel = 0; channel < params->n_channels_out; channel += ASD_MVE_GROUP) {
        const uint32_t n_left = params->n_channels_out - channel;
        int32_t sums[ASD_MVE_GROUP] = {0, 0, 0, 0};
        for (uint32_t tap = 0; tap < n_taps; tap += ASD_MVE_LANES) {
            const uint32_t n = n_taps - tap < ASD_MVE_LANES ? n_taps - tap : ASD_MVE_LANES;
            for (uint32_t i = 0; i < ASD_MVE_GROUP; i++, weights += ASD_MVE_LANES) {
                for (uint32_t lane = 0; lane < n; lane++) {
                    sums[i] += codes[tap + lane] * weights[lane];
                }
            }
        }
        asd_requantize_s8(&params->requantization, channel, n_left < ASD_MVE_GROUP ? n_left : ASD_MVE_GROUP, sums,
                          output + channel);
    }
}

void asd_multiply_packed_s8_mve(const asd_conv2d_params *params, const int8_t *codes, uint32_t n, uint32_t stride,
                                int8_t *output)
{
    const uint32_t n_taps = params->kernel_time * params->kernel_mel * params->n_channels_in;
    for (uint32_t i = 0; i < n; i++) {
        multiply_row(params, codes + i * stride, n_taps, output + i * params->n_channels_out);
    }
}
