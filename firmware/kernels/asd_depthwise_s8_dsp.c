/* asd_depthwise_s8 for cores with the DSP extension: 3x3 kernels, four channels at a time, each in its own plane. */
#include <stddef.h>

#include "asd_kernel_steps_dsp.h"

#define PLANE_CODES (ASD_DSP_PLANE_BYTES / 2u)

/* Rows of the planes that lie on the map. */
typedef struct {
    uint32_t n_above; /* rows of padding before them */
    uint32_t first;   /* of the map */
    uint32_t n;
} plane_rows;

static plane_rows rows_on_map(const asd_conv2d_params *params, uint32_t start, uint32_t n_rows)
{
    plane_rows rows;
    rows.n_above = start < params->pad_mel ? params->pad_mel - start : 0;
    rows.n_above = rows.n_above < n_rows ? rows.n_above : n_rows;
    rows.first = start + rows.n_above - params->pad_mel;
    const uint32_t n_left = rows.first < params->n_mels_in ? params->n_mels_in - rows.first : 0;
    rows.n = n_rows - rows.n_above < n_left ? n_rows - rows.n_above : n_left;
    return rows;
}

static void clear_rows(int16_t *planes, uint32_t first, uint32_t end)
{
    for (uint32_t channel = 0; channel < ASD_DSP_GROUP; channel++) {
        for (uint32_t i = 4u * first; i < 4u * end; i++) {
            planes[channel * PLANE_CODES + i] = 0;
        }
    }
}

/* asd_join_columns_s16_dsp for n channels; columns that are NULL are padding. */
static void join_some(const asd_column_rows *rows, uint32_t n)
{
    for (uint32_t time = 0; time < 3u; time++) {
        const int8_t *const column = rows->columns[time];
        for (uint32_t channel = 0; channel < n; channel++) {
            int16_t *joined = rows->planes + channel * PLANE_CODES + (time < 2u ? time : channel < 2u ? 2u : 3u);
            for (uint32_t row = 0; row < rows->n_rows; row++, joined += 4) {
                const int32_t code = column == NULL ? 0 : column[row * rows->row_bytes + channel] - rows->zero_point;
                *joined = (int16_t)code;
            }
        }
    }
}

static void join(const asd_column_rows *rows, uint32_t n)
{
    const bool is_padding = rows->columns[0] == NULL || rows->columns[1] == NULL || rows->columns[2] == NULL;
    if (n < ASD_DSP_GROUP || rows->row_bytes % 4u != 0 || is_padding) {
        join_some(rows, n);
    } else {
        asd_join_columns_s16_dsp(rows);
    }
}

static const int8_t *at(const int8_t *column, uint32_t offset)
{
    return column == NULL ? NULL : column + offset;
}

/* The planes of n channels, from `first` on, -> n_rows rows of their codes. */
static void multiply_group(const asd_conv2d_params *params, asd_channel_codes *codes, uint32_t first, uint32_t n,
                           uint32_t n_rows, int16_t *planes, int8_t *output)
{
    for (uint32_t i = 0; i < n; i++, planes += PLANE_CODES) {
        const int32_t bias = params->requantization.bias[first + i];
        asd_multiply_plane_s16_dsp(planes, 2 * bias, n_rows, params->stride_mel, i >= 2u);
        asd_requantize_channel_s8_dsp(codes, first + i, (const int32_t *)planes, n_rows, output + first + i);
    }
}

void asd_depthwise_s8_dsp(const asd_conv2d_params *params, const int8_t *const *columns, int8_t *output, void *scratch)
{
    const uint32_t n_channels = params->n_channels_out, stride = params->stride_mel;
    if (params->kernel_time != 3 || params->kernel_mel != 3 || stride > 2) {
        asd_depthwise_s8(params, columns, output, scratch);
        return;
    }
    int16_t *const planes = (int16_t *)scratch + ASD_DSP_TABLE_BYTES / 2u;
    const uint32_t most = stride == 1 ? 36u : 16u; /* rows of output at once: multiples of 4 */
    asd_channel_codes codes;
    asd_start_channels_s8_dsp(&codes, &params->requantization, n_channels, scratch);
    for (uint32_t first = 0; first < n_channels; first += ASD_DSP_GROUP) {
        const uint32_t n = n_channels - first < ASD_DSP_GROUP ? n_channels - first : ASD_DSP_GROUP;
        const int8_t *const weights = params->weights + first;
        const asd_column_rows weight_rows = {{weights, weights + 3u * n_channels, weights + 6u * n_channels},
                                             n_channels,
                                             3,
                                             0,
                                             planes + 4u * ASD_DSP_PLANE_WEIGHTS};
        join(&weight_rows, n);
        for (uint32_t row = 0; row < params->n_mels_out; row += most) {
            const uint32_t n_rows = params->n_mels_out - row < most ? params->n_mels_out - row : most;
            const uint32_t n_needed = (n_rows - 1u) * stride + 3u;
            const plane_rows rows = rows_on_map(params, row * stride, n_needed);
            clear_rows(planes, 0, rows.n_above);
            clear_rows(planes, rows.n_above + rows.n, n_needed);
            if (rows.n > 0) {
                const uint32_t offset = rows.first * n_channels + first;
                const asd_column_rows map_rows = {
                    {at(columns[0], offset), at(columns[1], offset), at(columns[2], offset)},
                    n_channels,
                    rows.n,
                    params->input_zero_point,
                    planes + 4u * rows.n_above};
                join(&map_rows, n);
            }
            multiply_group(params, &codes, first, n, n_rows, planes, output + row * n_channels);
        }
    }
}
