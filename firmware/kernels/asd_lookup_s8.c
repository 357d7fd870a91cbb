/* A function of one code, or of a code and its channel, from its 256 values. */
#include "asd_kernels.h"

void asd_lookup_s8(const asd_lookup_params *params, const int8_t *input, int8_t *output)
{
    const uint32_t step = params->n_tables == 1u ? 0u : 256u, n_channels = params->n_channels;
    for (uint32_t row = 0; row < params->n_mels; row++, input += n_channels, output += n_channels) {
        const int8_t *table = params->table + 128;
        for (uint32_t i = 0; i < n_channels; i++, table += step) {
            output[i] = table[input[i]];
        }
    }
}
