/* Mean of a column over mel, channel by channel. */
#include "asd_requantize.h"

void asd_mean_s8(const asd_mean_params *params, const int8_t *input, int8_t *output)
{
    for (uint32_t channel = 0; channel < params->n_channels; channel++) {
        int32_t sum = 0;
        for (uint32_t row = 0; row < params->n_mels_in; row++) {
            sum += input[row * params->n_channels + channel] - params->input_zero_point;
        }
        output[channel] = (int8_t)asd_requantize_s32(sum, params->factor.multiplier, params->factor.shift,
                                                     params->output_zero_point, -128, 127);
    }
}
