/* asd_gather_patches_s8_mve 16 codes at a time, for cores with MVE integer. */
#include <arm_mve.h>
#include <stdbool.h>
#include <stddef.h>

#include "asd_mve_steps.h"

static inline int8_t *fill(int8_t *to, uint32_t n, int32_t value)
{
    for (uint32_t i = 0; i < n; i += 16u) {
        vstrbq_p_s8(to + i, vdupq_n_s8((int8_t)value), vctp8q(n - i));
    }
    return to + n;
}

static inline int8_t *copy(int8_t *to, const int8_t *from, uint32_t n)
{
    for (uint32_t i = 0; i < n; i += 16u) {
        const mve_pred16_t lanes = vctp8q(n - i);
        vstrbq_p_s8(to + i, vldrbq_z_s8(from + i, lanes), lanes);
    }
    return to + n;
}

/* n windows of one column that lie on the map, the first one from `codes` on: one row of each patch. */
static void gather_inside(const int8_t *codes, uint32_t step, uint32_t n_taps, uint32_t n, uint32_t row_bytes,
                          int8_t *patches)
{
    if (n_taps <= 16u) {
        const mve_pred16_t lanes = vctp8q(n_taps);
        for (; n > 0; n--, codes += step, patches += row_bytes) {
            vstrbq_p_s8(patches, vldrbq_z_s8(codes, lanes), lanes);
        }
        return;
    }
    for (; n > 0; n--, codes += step, patches += row_bytes) {
        (void)copy(patches, codes, n_taps);
    }
}

/* One row of a patch at the edge of the map. */
static void gather_at_edge(const asd_conv2d_params *params, const int8_t *column, uint32_t start, int8_t *patch)
{
    const uint32_t n_channels = params->n_channels_in, kernel_mel = params->kernel_mel;
    const asd_kernel_rows rows = asd_rows_on_map(start, kernel_mel, params->pad_mel, params->n_mels_in);
    patch = fill(patch, rows.first * n_channels, params->input_zero_point);
    patch = copy(patch, column + (start + rows.first - params->pad_mel) * n_channels, rows.n * n_channels);
    (void)fill(patch, (kernel_mel - rows.first - rows.n) * n_channels, params->input_zero_point);
}

static bool is_inside(const asd_conv2d_params *params, uint32_t start)
{
    return start >= params->pad_mel && start + params->kernel_mel <= params->n_mels_in + params->pad_mel;
}

void asd_gather_patches_s8_mve(const asd_conv2d_params *params, const int8_t *const *columns, uint32_t first,
                               uint32_t n, uint32_t row_bytes, int8_t *patches)
{
    const uint32_t n_taps = params->kernel_mel * params->n_channels_in, stride = params->stride_mel;
    for (uint32_t time = 0; time < params->kernel_time; time++, patches += n_taps) {
        const int8_t *column = columns[time];
        for (uint32_t i = 0; i < n;) {
            const uint32_t start = (first + i) * stride;
            int8_t *patch = patches + i * row_bytes;
            uint32_t n_inside = 0;
            if (column == NULL) {
                (void)fill(patch, n_taps, params->input_zero_point);
            } else if (is_inside(params, start)) {
                const uint32_t n_to_edge =
                    (params->n_mels_in + params->pad_mel - params->kernel_mel - start) / stride + 1u;
                n_inside = n - i < n_to_edge ? n - i : n_to_edge;
                gather_inside(column + (start - params->pad_mel) * params->n_channels_in,
                              stride * params->n_channels_in, n_taps, n_inside, row_bytes, patch);
            } else {
                gather_at_edge(params, column, start, patch);
            }
            i += n_inside > 0 ? n_inside : 1u;
        }
    }
}
