/* Convolution with weights [out][time][mel][in]: windows as patches, then as a 1x1 convolution. */
#include <stddef.h>

#include "asd_kernel_steps.h"

/* The window that starts pad_mel above row `start`: [time][mel][in] without the zero point, 0 in the padding. */
static void gather(const asd_conv2d_params *params, const int8_t *const *columns, uint32_t start, int16_t *patch)
{
    const uint32_t n_channels = params->n_channels_in, n_taps = params->kernel_mel * n_channels;
    const int32_t zero_point = params->input_zero_point;
    const asd_kernel_rows rows = asd_rows_on_map(start, params->kernel_mel, params->pad_mel, params->n_mels_in);
    const uint32_t first = rows.first * n_channels, end = first + rows.n * n_channels;
    for (uint32_t time = 0; time < params->kernel_time; time++, patch += n_taps) {
        const uint32_t n_padding = columns[time] == NULL ? n_taps : first;
        for (uint32_t i = 0; i < n_padding; i++) {
            patch[i] = 0;
        }
        if (columns[time] == NULL) {
            continue;
        }
        const int8_t *codes = columns[time] + (start + rows.first - params->pad_mel) * n_channels;
        for (uint32_t i = first; i < end; i++) {
            patch[i] = (int16_t)(codes[i - first] - zero_point);
        }
        for (uint32_t i = end; i < n_taps; i++) {
            patch[i] = 0;
        }
    }
}

ASD_VECTOR_CLONES void asd_conv2d_s8(const asd_conv2d_params *params, const int8_t *const *columns, int8_t *output,
                                     void *scratch)
{
    const uint32_t n_taps = params->kernel_time * params->kernel_mel * params->n_channels_in;
    int16_t *patches = scratch;
    for (uint32_t row = 0; row < params->n_mels_out; row += ASD_PATCHES) {
        const uint32_t n = params->n_mels_out - row < ASD_PATCHES ? params->n_mels_out - row : ASD_PATCHES;
        for (uint32_t i = 0; i < n; i++) {
            gather(params, columns, (row + i) * params->stride_mel, patches + i * n_taps);
        }
        asd_multiply_patches_s16(params, patches, n, n_taps, output);
        output += n * params->n_channels_out;
    }
}
