/* Expanded rows times a weight matrix, two channels at a time, whose weights are expanded once for all rows. */
#include "asd_kernel_steps_dsp.h"

void asd_multiply_matrix_s8_dsp(asd_matrix_rows *matrix, const asd_conv2d_params *params, uint32_t n, int8_t *output)
{
    const int32_t *const bias = params->requantization.bias;
    const uint32_t n_channels = params->n_channels_out, padded_taps = matrix->padded_taps;
    const int8_t *weights = params->weights;
    asd_tile_products products = {matrix->tiles, matrix->pairs, matrix->sums, (n + 3u) / 4u, padded_taps, {0, 0}};
    for (uint32_t channel = 0; channel < n_channels; channel += 2, weights += 2u * padded_taps) {
        const bool is_pair = channel + 1u < n_channels;
        const uint32_t second = is_pair ? 1u : 0u;
        asd_expand_weights_s16_dsp(weights, weights + second * padded_taps, padded_taps, matrix->pairs);
        products.bias[0] = 2 * bias[channel];
        products.bias[1] = 2 * bias[channel + second];
        asd_multiply_tiles_s16_dsp(&products);
        asd_requantize_channel_s8_dsp(&matrix->codes, channel, matrix->sums, n, output + channel);
        if (is_pair) {
            asd_requantize_channel_s8_dsp(&matrix->codes, channel + 1u, matrix->sums + 1, n, output + channel + 1u);
        }
    }
}
