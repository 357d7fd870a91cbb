/* Convolution with a 1x1 kernel: every row of the column times one weight matrix [out][in]. */
#include "asd_kernel_steps.h"

ASD_VECTOR_CLONES void asd_pointwise_s8(const asd_conv2d_params *params, const int8_t *input, int8_t *output,
                                        void *scratch)
{
    const uint32_t n_channels = params->n_channels_in;
    const int32_t zero_point = params->input_zero_point;
    int16_t *patches = scratch;
    for (uint32_t row = 0; row < params->n_mels_out; row += ASD_PATCHES) {
        const uint32_t n = params->n_mels_out - row < ASD_PATCHES ? params->n_mels_out - row : ASD_PATCHES;
        for (uint32_t i = 0; i < n * n_channels; i++) {
            patches[i] = (int16_t)(input[i] - zero_point);
        }
        asd_multiply_patches_s16(params, patches, n, n_channels, output);
        input += n * n_channels;
        output += n * params->n_channels_out;
    }
}
