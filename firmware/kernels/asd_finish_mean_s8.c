/* The sums of a mean over time -> its output column. */
#include "asd_requantize.h"

void asd_finish_mean_s8(const asd_mean_params *params, const int32_t *sums, int8_t *output)
{
    for (uint32_t i = 0; i < params->n_mels_out * params->n_channels; i++) {
        output[i] = (int8_t)asd_requantize_s32(sums[i], params->factor.multiplier, params->factor.shift,
                                               params->output_zero_point, -128, 127);
    }
}
