/* asd_pointwise_s8 on weights that are packed for MVE; rows that don't fill blocks of 16 go through scratch. */
#include "asd_mve_steps.h"

void asd_pointwise_s8_mve(const asd_conv2d_params *params, const int8_t *input, int8_t *output, void *scratch)
{
    if (params->n_channels_in % ASD_MVE_LANES != 0) {
        asd_conv2d_s8_mve(params, &input, output, scratch);
    } else {
        asd_multiply_packed_s8_mve(params, input, params->n_mels_out, params->n_channels_in, output);
    }
}
