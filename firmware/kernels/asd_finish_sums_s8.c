/* The sums of an accumulated convolution -> its output column. */
#include "asd_requantize.h"

void asd_finish_sums_s8(const asd_conv2d_params *params, const int32_t *sums, int8_t *output)
{
    const uint32_t n_channels = params->n_channels_out;
    for (uint32_t row = 0; row < params->n_mels_out; row++) {
        asd_requantize_s8(&params->requantization, 0, n_channels, sums + row * n_channels, output + row * n_channels);
    }
}
