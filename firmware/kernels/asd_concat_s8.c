/* Channels of several columns, row by row, side by side. */
#include <string.h>

#include "asd_kernels.h"

void asd_concat_s8(const asd_concat_params *params, const int8_t *const *inputs, int8_t *output)
{
    for (uint32_t row = 0; row < params->n_mels; row++) {
        for (uint32_t i = 0; i < params->n_inputs; i++) {
            const uint32_t n = params->n_channels[i];
            memcpy(output, inputs[i] + row * n, n);
            output += n;
        }
    }
}
