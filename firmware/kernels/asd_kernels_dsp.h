/* Kernels for cores with the DSP extension (Armv7E-M, Armv8-M): the bits of asd_kernels.h, faster. Each is C around
 * steps that are assembly there (asd_*_dsp.S) and C with the same results everywhere else (asd_*_dsp.c).
 *
 * Weights in ASD_LAYOUT_DSP: those of CONV2D and POINTWISE with each channel's row filled up with zeros to a multiple
 * of 4; depthwise as in ASD_LAYOUT_PLAIN. Weights at multiples of 4, and n_taps * 255 * 128 + |bias| < 2^30: sums are
 * kept doubled. */
#ifndef ASD_KERNELS_DSP_H
#define ASD_KERNELS_DSP_H

#include "asd_kernels.h"

#define ASD_DSP_TILE_ROWS 4u     /* positions that share each weight that is read */
#define ASD_DSP_MOST_CODES 8192u /* expanded at once, unless four rows are more */
#define ASD_DSP_PLANE_BYTES 336u /* of one channel of a depthwise kernel: 39 rows, 3 of weights */
#define ASD_DSP_GROUP 4u         /* channels of a depthwise kernel at once */
#define ASD_DSP_TABLE_BYTES 256u

void asd_conv2d_s8_dsp(const asd_conv2d_params *params, const int8_t *const *columns, int8_t *output, void *scratch);
void asd_pointwise_s8_dsp(const asd_conv2d_params *params, const int8_t *input, int8_t *output, void *scratch);
/* Kernels other than 3x3 and strides above 2 are left to asd_depthwise_s8. */
void asd_depthwise_s8_dsp(const asd_conv2d_params *params, const int8_t *const *columns, int8_t *output, void *scratch);
/* weights as in ASD_LAYOUT_PLAIN */
void asd_add_s8_dsp(const asd_add_params *params, const int8_t *first, const int8_t *second, int8_t *output);

static inline uint32_t asd_dsp_padded_taps(uint32_t n_taps)
{
    return (n_taps + 3u) & ~3u;
}

/* Rows of a column that are expanded at once. */
static inline uint32_t asd_dsp_rows_at_once(uint32_t n_rows, uint32_t padded_taps)
{
    const uint32_t most = (ASD_DSP_MOST_CODES / padded_taps) & ~3u;
    const uint32_t rows = (n_rows + 3u) & ~3u;
    return most < ASD_DSP_TILE_ROWS ? ASD_DSP_TILE_ROWS : rows < most ? rows : most;
}

/* Scratch of CONV2D; n_taps = kernel_time * kernel_mel * n_channels_in, not 0. */
static inline uint64_t asd_dsp_conv2d_scratch_bytes(uint32_t n_rows, uint32_t n_taps)
{
    const uint32_t padded_taps = asd_dsp_padded_taps(n_taps), rows = asd_dsp_rows_at_once(n_rows, padded_taps);
    return ASD_DSP_TABLE_BYTES + rows * (UINT64_C(2) * padded_taps + 8u) + UINT64_C(4) * padded_taps;
}

/* Of POINTWISE: a single row keeps its weights at 8 bits. */
static inline uint64_t asd_dsp_pointwise_scratch_bytes(uint32_t n_rows, uint32_t n_channels_in)
{
    return n_rows == 1 ? UINT64_C(2) * asd_dsp_padded_taps(n_channels_in)
                       : asd_dsp_conv2d_scratch_bytes(n_rows, n_channels_in);
}

/* Of DEPTHWISE. */
#define ASD_DSP_DEPTHWISE_SCRATCH_BYTES (ASD_DSP_TABLE_BYTES + ASD_DSP_GROUP * ASD_DSP_PLANE_BYTES)

#endif
