/* Convolution of each channel by itself, weights [time][mel][channel]. */
#include <stddef.h>

#include "asd_kernel_steps.h"
#include "asd_requantize.h"

static inline void multiply_add(const int8_t *restrict codes, const int8_t *restrict weights, int32_t zero_point,
                                uint32_t n, int32_t *restrict sums)
{
    for (uint32_t i = 0; i < n; i++) {
        sums[i] += (int16_t)(codes[i] - zero_point) * weights[i];
    }
}

ASD_VECTOR_CLONES void asd_depthwise_s8(const asd_conv2d_params *params, const int8_t *const *columns, int8_t *output,
                                        void *scratch)
{
    (void)scratch;
    const uint32_t n_channels = params->n_channels_out;
    int32_t sums[ASD_BLOCK_CHANNELS];
    for (uint32_t row = 0; row < params->n_mels_out; row++, output += n_channels) {
        const uint32_t start = row * params->stride_mel;
        const asd_kernel_rows rows = asd_rows_on_map(start, params->kernel_mel, params->pad_mel, params->n_mels_in);
        for (uint32_t first = 0; first < n_channels; first += ASD_BLOCK_CHANNELS) {
            const uint32_t n = n_channels - first < ASD_BLOCK_CHANNELS ? n_channels - first : ASD_BLOCK_CHANNELS;
            for (uint32_t i = 0; i < n; i++) {
                sums[i] = 0;
            }
            for (uint32_t time = 0; time < params->kernel_time; time++) {
                if (columns[time] == NULL) {
                    continue;
                }
                for (uint32_t mel = rows.first; mel < rows.first + rows.n; mel++) {
                    multiply_add(columns[time] + (start + mel - params->pad_mel) * n_channels + first,
                                 params->weights + (time * params->kernel_mel + mel) * n_channels + first,
                                 params->input_zero_point, n, sums);
                }
            }
            asd_requantize_s8(&params->requantization, first, n, sums, output + first);
        }
    }
}
