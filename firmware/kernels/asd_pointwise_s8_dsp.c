/* asd_pointwise_s8 for cores with the DSP extension: rows expanded to 16 bits once per column, four at a time. */
#include <string.h>

#include "asd_kernel_steps_dsp.h"
#include "asd_requantize.h"

#define BLOCK_CHANNELS 32u /* whose sums are on the stack */

/* One row: nothing is shared, so its weights stay at 8 bits. */
static void multiply_one_row(const asd_conv2d_params *params, const int8_t *input, int8_t *output, int16_t *row)
{
    const uint32_t n_channels = params->n_channels_out, n_taps = params->n_channels_in;
    const uint32_t padded_taps = asd_dsp_padded_taps(n_taps);
    int32_t sums[BLOCK_CHANNELS];
    for (uint32_t tap = 0; tap < padded_taps; tap++) {
        const int32_t code = tap < n_taps ? input[tap] - params->input_zero_point : 0;
        row[(tap & ~3u) + (tap % 2u) * 2u + tap / 2u % 2u] = (int16_t)code; /* of a quad 0, 2, 1, 3 */
    }
    for (uint32_t first = 0; first < n_channels; first += BLOCK_CHANNELS) {
        const uint32_t n = n_channels - first < BLOCK_CHANNELS ? n_channels - first : BLOCK_CHANNELS;
        const int8_t *weights = params->weights + first * padded_taps;
        for (uint32_t i = 0; i < n; i += 2, weights += 2u * padded_taps) {
            asd_multiply_row_s16_dsp(row, weights, i + 1u < n ? weights + padded_taps : weights, padded_taps, sums + i);
        }
        asd_requantize_s8(&params->requantization, first, n, sums, output + first);
    }
}

/* Rows that are no tile as they lie in the column: the last of it, or those that don't begin at a multiple of 4. */
static void expand_copies(const asd_matrix_rows *matrix, const int8_t *rows, uint32_t n, uint32_t n_taps,
                          int32_t zero_point, int16_t *tiles)
{
    int8_t *const copies = (int8_t *)matrix->pairs;
    memset(copies, zero_point, 4u * matrix->padded_taps);
    for (uint32_t row = 0; row < n; row++) {
        memcpy(copies + row * matrix->padded_taps, rows + row * n_taps, n_taps);
    }
    asd_expand_rows_s16_dsp(copies, matrix->padded_taps, zero_point, 1, tiles);
}

void asd_pointwise_s8_dsp(const asd_conv2d_params *params, const int8_t *input, int8_t *output, void *scratch)
{
    const uint32_t n_rows = params->n_mels_out, n_taps = params->n_channels_in;
    if (n_rows == 1) {
        multiply_one_row(params, input, output, (int16_t *)scratch);
        return;
    }
    asd_matrix_rows matrix;
    asd_start_matrix_s8_dsp(&matrix, params, n_taps, scratch);
    for (uint32_t first = 0; first < n_rows; first += matrix.rows_at_once) {
        const uint32_t n = n_rows - first < matrix.rows_at_once ? n_rows - first : matrix.rows_at_once;
        const int8_t *const rows = input + first * n_taps;
        const uint32_t n_straight = n_taps % 4u == 0 ? n & ~3u : 0;
        if (n_straight > 0) {
            asd_expand_rows_s16_dsp(rows, n_taps, params->input_zero_point, n_straight / 4u, matrix.tiles);
        }
        for (uint32_t row = n_straight; row < n; row += 4u) {
            expand_copies(&matrix, rows + row * n_taps, n - row < 4u ? n - row : 4u, n_taps, params->input_zero_point,
                          matrix.tiles + row * matrix.padded_taps);
        }
        asd_multiply_matrix_s8_dsp(&matrix, params, n, output + first * params->n_channels_out);
    }
}
