/* asd_conv2d_s8 on weights that are packed for MVE: windows as rows in scratch, then as a 1x1 convolution. */
#include "asd_mve_steps.h"

void asd_conv2d_s8_mve(const asd_conv2d_params *params, const int8_t *const *columns, int8_t *output, void *scratch)
{
    const uint32_t n_taps = params->kernel_time * params->kernel_mel * params->n_channels_in;
    const uint32_t row_bytes = (n_taps + ASD_MVE_LANES - 1u) & ~(ASD_MVE_LANES - 1u);
    const uint32_t n_fit = row_bytes > ASD_MVE_PATCH_BYTES / 2u ? 2u : (ASD_MVE_PATCH_BYTES / row_bytes) & ~1u;
    for (uint32_t first = 0; first < params->n_mels_out; first += n_fit) {
        const uint32_t n_left = params->n_mels_out - first, n = n_left < n_fit ? n_left : n_fit;
        asd_gather_patches_s8_mve(params, columns, first, n, row_bytes, scratch);
        asd_multiply_packed_s8_mve(params, scratch, n, row_bytes, output);
        output += n * params->n_channels_out;
    }
}
