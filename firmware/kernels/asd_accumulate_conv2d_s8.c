/* A convolution as long as its window, one column at a time: sums [mel][out] += column * weights [out][time][mel][in].
 */
#include "asd_kernel_steps.h"

static inline int32_t multiply(const int8_t *codes, const int8_t *weights, int32_t zero_point, uint32_t n)
{
    int32_t sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        const int16_t x = (int16_t)(codes[i] - zero_point), weight = weights[i];
        sum += x * weight;
    }
    return sum;
}

void asd_accumulate_conv2d_s8(const asd_conv2d_params *params, const int8_t *column, uint32_t time, int32_t *sums)
{
    const uint32_t n_channels = params->n_channels_in, n_taps = params->kernel_mel * n_channels;
    for (uint32_t row = 0; row < params->n_mels_out; row++) {
        const uint32_t start = row * params->stride_mel;
        const asd_kernel_rows rows = asd_rows_on_map(start, params->kernel_mel, params->pad_mel, params->n_mels_in);
        const int8_t *codes = column + (start + rows.first - params->pad_mel) * n_channels;
        const int8_t *weights = params->weights + time * n_taps + rows.first * n_channels;
        for (uint32_t out = 0; out < params->n_channels_out; out++, weights += params->kernel_time * n_taps) {
            *sums++ += multiply(codes, weights, params->input_zero_point, rows.n * n_channels);
        }
    }
}
