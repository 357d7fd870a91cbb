/* Windows of a convolution as rows of codes [time][mel][in], the zero point in the padding, in plain C. */
#include <stddef.h>
#include <string.h>

#include "asd_mve_steps.h"

/* The window that starts pad_mel above row `start`. */
static void gather(const asd_conv2d_params *params, const int8_t *const *columns, uint32_t start, int8_t *patch)
{
    const uint32_t n_channels = params->n_channels_in, n_taps = params->kernel_mel * n_channels;
    const asd_kernel_rows rows = asd_rows_on_map(start, params->kernel_mel, params->pad_mel, params->n_mels_in);
    for (uint32_t time = 0; time < params->kernel_time; time++, patch += n_taps) {
        memset(patch, params->input_zero_point, n_taps);
        if (columns[time] != NULL) {
            const int8_t *codes = columns[time] + (start + rows.first - params->pad_mel) * n_channels;
            memcpy(patch + rows.first * n_channels, codes, rows.n * n_channels);
        }
    }
}

void asd_gather_patches_s8_mve(const asd_conv2d_params *params, const int8_t *const *columns, uint32_t first,
                               uint32_t n, uint32_t row_bytes, int8_t *patches)
{
    for (uint32_t i = 0; i < n; i++) {
        gather(params, columns, (first + i) * params->stride_mel, patches + i * row_bytes);
    }
}
