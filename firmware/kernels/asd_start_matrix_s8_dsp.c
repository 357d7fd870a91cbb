/* Where the rows, weights and sums of a convolution that mixes channels lie in its scratch. */
#include "asd_kernel_steps_dsp.h"

void asd_start_matrix_s8_dsp(asd_matrix_rows *matrix, const asd_conv2d_params *params, uint32_t n_taps, void *scratch)
{
    int8_t *const table = scratch;
    asd_start_channels_s8_dsp(&matrix->codes, &params->requantization, params->n_channels_out, table);
    matrix->padded_taps = asd_dsp_padded_taps(n_taps);
    matrix->rows_at_once = asd_dsp_rows_at_once(params->n_mels_out, matrix->padded_taps);
    matrix->tiles = (int16_t *)scratch + ASD_DSP_TABLE_BYTES / 2u;
    matrix->pairs = matrix->tiles + matrix->rows_at_once * matrix->padded_taps;
    matrix->sums =
        (int32_t *)scratch + (ASD_DSP_TABLE_BYTES / 2u + (matrix->rows_at_once + 2u) * matrix->padded_taps) / 2u;
}
