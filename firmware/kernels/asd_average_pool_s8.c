/* Mean of the codes of each window, rounded half away from zero; padding doesn't count. */
#include <stddef.h>
#include <string.h>

#include "asd_kernel_steps.h"
#include "asd_requantize.h"

static inline void add_codes(const int8_t *restrict codes, uint32_t n, int32_t *restrict sums)
{
    for (uint32_t i = 0; i < n; i++) {
        sums[i] += codes[i];
    }
}

static inline int32_t divide(int32_t sum, int32_t count)
{
    return sum < 0 ? -((count / 2 - sum) / count) : (sum + count / 2) / count;
}

void asd_average_pool_s8(const asd_pool_params *params, const int8_t *const *columns, int8_t *output)
{
    const uint32_t n_channels = params->n_channels;
    int32_t sums[ASD_BLOCK_CHANNELS];
    for (uint32_t row = 0; row < params->n_mels_out; row++, output += n_channels) {
        const uint32_t start = row * params->stride_mel;
        const asd_kernel_rows rows = asd_rows_on_map(start, params->kernel_mel, params->pad_mel, params->n_mels_in);
        for (uint32_t first = 0; first < n_channels; first += ASD_BLOCK_CHANNELS) {
            const uint32_t n = n_channels - first < ASD_BLOCK_CHANNELS ? n_channels - first : ASD_BLOCK_CHANNELS;
            int32_t count = 0;
            memset(sums, 0, sizeof sums);
            for (uint32_t time = 0; time < params->kernel_time; time++) {
                if (columns[time] == NULL) {
                    continue;
                }
                const int8_t *codes = columns[time] + (start + rows.first - params->pad_mel) * n_channels + first;
                for (uint32_t mel = 0; mel < rows.n; mel++, count++) {
                    add_codes(codes + mel * n_channels, n, sums);
                }
            }
            for (uint32_t i = 0; i < n; i++) {
                output[first + i] = (int8_t)asd_clamp_s32(divide(sums[i], count), params->low, params->high);
            }
        }
    }
}
