/* asd_concat_s8 for cores with MVE integer: two inputs of one channel are interleaved 16 rows at a time. */
#include <arm_mve.h>
#include <string.h>

#include "asd_kernels.h"

void asd_concat_s8(const asd_concat_params *params, const int8_t *const *inputs, int8_t *output)
{
    uint32_t row = 0;
    if (params->n_inputs == 2u && params->n_channels[0] == 1u && params->n_channels[1] == 1u) {
        for (; row + 16u <= params->n_mels; row += 16u, output += 32) {
            const int8x16x2_t pair = {{vld1q_s8(inputs[0] + row), vld1q_s8(inputs[1] + row)}};
            vst2q_s8(output, pair);
        }
    }
    for (; row < params->n_mels; row++) {
        for (uint32_t i = 0; i < params->n_inputs; i++) {
            const uint32_t n = params->n_channels[i];
            memcpy(output, inputs[i] + row * n, n);
            output += n;
        }
    }
}
