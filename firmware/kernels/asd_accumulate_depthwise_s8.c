/* A depthwise convolution as long as its window, one column at a time: sums [mel][channel] += column * weights. */
#include "asd_kernel_steps.h"

static inline void multiply_add(const int8_t *restrict codes, const int8_t *restrict weights, int32_t zero_point,
                                uint32_t n, int32_t *restrict sums)
{
    for (uint32_t i = 0; i < n; i++) {
        sums[i] += (int16_t)(codes[i] - zero_point) * weights[i];
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
