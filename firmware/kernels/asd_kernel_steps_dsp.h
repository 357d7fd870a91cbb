/* Steps of the kernels for cores with the DSP extension; DESIGN.md tells how they fit together.
 * "Quad order" of int16: of every four values the first, third, second, fourth, as SXTB16 takes them from a word. */
#ifndef ASD_KERNEL_STEPS_DSP_H
#define ASD_KERNEL_STEPS_DSP_H

#include <stdbool.h>
#include <stdint.h>

#include "asd_kernels_dsp.h"

/* n_tiles * 4 rows of codes [row][n_taps] -> 2 * (code - zero point) as int16, tile by tile: of each pair of values in
 * quad order those of the four rows. n_taps is a multiple of 4. */
void asd_expand_rows_s16_dsp(const int8_t *rows, uint32_t n_taps, int32_t zero_point, uint32_t n_tiles, int16_t *tiles);

/* Two channels' weights [n_taps] -> int16, each pair of values in quad order: the first channel's, the second's. */
void asd_expand_weights_s16_dsp(const int8_t *first, const int8_t *second, uint32_t n_taps, int16_t *pairs);

/* The sums of every row of the tiles with two channels. The assembly knows the offsets. */
typedef struct {
    const int16_t *tiles;
    const int16_t *pairs;
    int32_t *sums; /* [n_tiles * 4][2] */
    uint32_t n_tiles;
    uint32_t n_taps;
    int32_t bias[2]; /* doubled */
} asd_tile_products;

void asd_multiply_tiles_s16_dsp(const asd_tile_products *products);

/* One row in quad order times two channels' weights, n_taps a multiple of 4. */
void asd_multiply_row_s16_dsp(const int16_t *row, const int8_t *first, const int8_t *second, uint32_t n_taps,
                              int32_t *sums);

/* Rows of four channels in three columns -> planes of ASD_DSP_PLANE_BYTES, one per channel. Of a row a plane has
 * four int16 without zero point: its codes in columns 0 and 1, then those in column 2 of channels 0 and 2 (in the
 * planes of both) or 1 and 3. The assembly knows the offsets. */
typedef struct {
    const int8_t *columns[3]; /* at the first row and the first of the channels */
    uint32_t row_bytes;
    uint32_t n_rows; /* not 0 */
    int32_t zero_point;
    int16_t *planes;
} asd_column_rows;

void asd_join_columns_s16_dsp(const asd_column_rows *rows);

/* Rows of a plane that hold the weights of its channel, joined likewise, behind those of the map. */
#define ASD_DSP_PLANE_WEIGHTS 39u

/* n doubled sums of one plane by its 3x3 weights, in its place: [n][2], the second of each pair undefined. Sums up to
 * the next multiple of 4 of n may be written too. stride: rows from sum to sum, 1 or 2. is_upper: channels 2 and 3. */
void asd_multiply_plane_s16_dsp(int16_t *plane, int32_t doubled_bias, uint32_t n, uint32_t stride, bool is_upper);

#define ASD_DSP_MOST_RIGHT 22 /* |rescaled sum| + 2^21 + 128 * 2^22 < 2^31 */

/* Of one channel: code = saturate(floor((rescaled sum + rounding - [sum < 0]) / 2^right)), rounding = half of 2^right +
 * zero point * 2^right. The assembly knows the offsets. */
typedef struct {
    int32_t multiplier;
    int32_t rounding;
    int32_t right;       /* 1..22 */
    uint32_t stride;     /* bytes from output to output */
    const int8_t *table; /* of code 0 */
    int32_t zero_point;
    int32_t slope; /* doubled */
    int32_t negative_multiplier;
    int32_t negative_rounding; /* with 1 less where the slope is positive */
    int32_t negative_right;    /* 1..22 */
} asd_rescaling;

/* n doubled sums [n][2], of which the first of each pair count -> codes, n not 0. */
typedef void (*asd_rescale_fn)(const asd_rescaling *rescaling, const int32_t *sums, uint32_t n, int8_t *output);

void asd_rescale_sums_s8_dsp(const asd_rescaling *rescaling, const int32_t *sums, uint32_t n, int8_t *output);
/* The code's entry in the table. */
void asd_rescale_table_s8_dsp(const asd_rescaling *rescaling, const int32_t *sums, uint32_t n, int8_t *output);
/* Likewise, but below the zero point the product with the slope, rescaled. */
void asd_rescale_prelu_s8_dsp(const asd_rescaling *rescaling, const int32_t *sums, uint32_t n, int8_t *output);

/* What the channels of a layer share. */
typedef struct {
    asd_rescaling rescaling;
    asd_rescale_fn rescale;
    const asd_requantization *requantization;
    const int32_t *multipliers;
    const int8_t *shifts;
    const int8_t *slopes;         /* of PRELU */
    const int8_t *channel_tables; /* from code 0 of channel 0 on */
    int32_t rounding;             /* 2 * zero point + 1 */
    int32_t negative_rounding;    /* of a slope that is not positive */
    uint32_t most_right;          /* of a channel; 0 where only asd_requantize_s8 can */
} asd_channel_codes;

/* `table`: ASD_DSP_TABLE_BYTES of scratch; output rows are `stride` bytes apart. */
void asd_start_channels_s8_dsp(asd_channel_codes *codes, const asd_requantization *requantization, uint32_t stride,
                               int8_t *table);
/* n doubled sums of a channel [n][2] with their bias -> its codes, `stride` bytes apart. */
void asd_requantize_channel_s8_dsp(asd_channel_codes *codes, uint32_t channel, const int32_t *sums, uint32_t n,
                                   int8_t *output);
/* The same by asd_requantize_s8. */
void asd_requantize_plainly_s8_dsp(const asd_channel_codes *codes, uint32_t channel, const int32_t *sums, uint32_t n,
                                   int8_t *output);

/* Of an ADD whose first operand counts half of its codes * 2^20. The assembly knows the offsets. */
typedef struct {
    int32_t second_offset; /* -zero point * 2^21 */
    int32_t second_multiplier;
    int32_t second_rounding; /* half of 2^second_right */
    int32_t second_right;    /* 1..22 */
    int32_t sum_offset;      /* -zero point of the first * 2^20: the sum is doubled */
    int32_t multiplier;
    int32_t rounding; /* half of 2^right, and the zero point * 2^right */
    int32_t right;    /* 1..22 */
} asd_add_constants;

void asd_add_codes_s8_dsp(const asd_add_constants *constants, const int8_t *first, const int8_t *second, uint32_t n,
                          int8_t *output);

/* Working memory of CONV2D and POINTWISE with more than one row. */
typedef struct {
    asd_channel_codes codes;
    uint32_t padded_taps;
    uint32_t rows_at_once;
    int16_t *tiles;
    int16_t *pairs; /* also four rows of codes [padded_taps] on their way to the tiles */
    int32_t *sums;
} asd_matrix_rows;

void asd_start_matrix_s8_dsp(asd_matrix_rows *matrix, const asd_conv2d_params *params, uint32_t n_taps, void *scratch);
/* The n rows in the tiles times all weights -> output [n][n_channels_out]. */
void asd_multiply_matrix_s8_dsp(asd_matrix_rows *matrix, const asd_conv2d_params *params, uint32_t n, int8_t *output);

#endif
