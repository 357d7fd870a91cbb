/* asd_conv2d_s8 for cores with the DSP extension: windows as rows of codes, then as a 1x1 convolution. */
#include <string.h>

#include "asd_kernel_steps.h"
#include "asd_kernel_steps_dsp.h"

/* The window that starts pad_mel above row `start`: [time][mel][in], the zero point in the padding. */
static void gather(const asd_conv2d_params *params, const int8_t *const *columns, uint32_t start, int8_t *window)
{
    const uint32_t n_channels = params->n_channels_in, n_taps = params->kernel_mel * n_channels;
    const asd_kernel_rows rows = asd_rows_on_map(start, params->kernel_mel, params->pad_mel, params->n_mels_in);
    for (uint32_t time = 0; time < params->kernel_time; time++, window += n_taps) {
        if (columns[time] != NULL && rows.n > 0) {
            const int8_t *const codes = columns[time] + (start + rows.first - params->pad_mel) * n_channels;
            memcpy(window + rows.first * n_channels, codes, rows.n * n_channels);
        }
    }
}

void asd_conv2d_s8_dsp(const asd_conv2d_params *params, const int8_t *const *columns, int8_t *output, void *scratch)
{
    const uint32_t n_rows = params->n_mels_out;
    asd_matrix_rows matrix;
    asd_start_matrix_s8_dsp(&matrix, params, params->kernel_time * params->kernel_mel * params->n_channels_in, scratch);
    int8_t *const windows = (int8_t *)matrix.pairs;
    for (uint32_t first = 0; first < n_rows; first += matrix.rows_at_once) {
        const uint32_t n = n_rows - first < matrix.rows_at_once ? n_rows - first : matrix.rows_at_once;
        for (uint32_t row = 0; row < n; row += 4u) {
            memset(windows, params->input_zero_point, 4u * matrix.padded_taps);
            for (uint32_t i = row; i < n && i < row + 4u; i++) {
                gather(params, columns, (first + i) * params->stride_mel, windows + (i - row) * matrix.padded_taps);
            }
            asd_expand_rows_s16_dsp(windows, matrix.padded_taps, params->input_zero_point, 1,
                                    matrix.tiles + row * matrix.padded_taps);
        }
        asd_multiply_matrix_s8_dsp(&matrix, params, n, output + first * params->n_channels_out);
    }
}
