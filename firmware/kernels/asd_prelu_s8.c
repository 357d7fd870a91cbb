/* PReLU with one slope per channel; each of its two factors has its own rounding. */
#include "asd_kernel_steps.h"
#include "asd_requantize.h"

ASD_VECTOR_CLONES void asd_prelu_s8(const asd_prelu_params *params, const int8_t *input, int8_t *output)
{
    const asd_factor positive = params->positive, negative = params->negative;
    const int32_t zero_point = params->input_zero_point, output_zero_point = params->output_zero_point;
    const int8_t *slopes = params->slopes;
    const uint32_t n_channels = params->n_channels;
    for (uint32_t row = 0; row < params->n_mels; row++, input += n_channels, output += n_channels) {
        for (uint32_t i = 0; i < n_channels; i++) {
            output[i] = (int8_t)asd_prelu_s32(input[i] - zero_point, slopes[i], positive, negative, output_zero_point);
        }
    }
}
