/* A mean over time, one column at a time: sums [mel][channel] += column without its zero point. */
#include "asd_kernels.h"

static inline void add(const int8_t *restrict codes, int32_t zero_point, uint32_t n, int32_t *restrict sums)
{
    for (uint32_t i = 0; i < n; i++) {
        sums[i] += codes[i] - zero_point;
    }
}

void asd_accumulate_mean_s8(const asd_mean_params *params, const int8_t *column, int32_t *sums)
{
    const uint32_t n_channels = params->n_channels, step = params->n_mels_out == 1u ? 0u : n_channels;
    for (uint32_t row = 0; row < params->n_mels_in; row++, column += n_channels, sums += step) {
        add(column, params->input_zero_point, n_channels, sums);
    }
}
