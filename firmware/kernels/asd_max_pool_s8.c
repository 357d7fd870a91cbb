/* The greatest code of each window; padding doesn't count. */
#include <stddef.h>
#include <string.h>

#include "asd_kernel_steps.h"
#include "asd_requantize.h"

static inline void keep_greater(const int8_t *restrict codes, uint32_t n, int8_t *restrict greatest)
{
    for (uint32_t i = 0; i < n; i++) {
        greatest[i] = codes[i] > greatest[i] ? codes[i] : greatest[i];
    }
}

void asd_max_pool_s8(const asd_pool_params *params, const int8_t *const *columns, int8_t *output)
{
    const uint32_t n_channels = params->n_channels;
    const int32_t low = params->low, high = params->high;
    for (uint32_t row = 0; row < params->n_mels_out; row++, output += n_channels) {
        const uint32_t start = row * params->stride_mel;
        const asd_kernel_rows rows = asd_rows_on_map(start, params->kernel_mel, params->pad_mel, params->n_mels_in);
        memset(output, -128, n_channels);
        for (uint32_t time = 0; time < params->kernel_time; time++) {
            if (columns[time] == NULL) {
                continue;
            }
            const int8_t *codes = columns[time] + (start + rows.first - params->pad_mel) * n_channels;
            for (uint32_t mel = 0; mel < rows.n; mel++) {
                keep_greater(codes + mel * n_channels, n_channels, output);
            }
        }
        for (uint32_t i = 0; i < n_channels; i++) {
            output[i] = (int8_t)asd_clamp_s32(output[i], low, high);
        }
    }
}
