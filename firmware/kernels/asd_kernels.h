/* One output column of each operator from the columns that it reads; int8 by TFLite's reference arithmetic.
 *
 * Nothing is checked here: asd_model_load has checked every size. `columns[i]` is a column [n_mels][n_channels] of the
 * input, NULL where the window reaches into the padding. Columns, scratch and outputs lie at multiples of 4. */
#ifndef ASD_KERNELS_H
#define ASD_KERNELS_H

#include <stdint.h>

#include "asd/asd_image.h"

typedef struct {
    int32_t multiplier; /* 2^30..2^31 - 1, or 0 */
    int32_t shift;      /* left where positive; -31..30 */
} asd_factor;

/* int32 sums -> int8 codes, entry per output channel. Formula: asd_requantize.h */
typedef struct {
    const int32_t *bias;
    const int32_t *multipliers;
    const int8_t *shifts;
    int32_t zero_point;
    int32_t low;
    int32_t high;
    asd_activation activation;
    const int8_t *table; /* slopes or tables, see asd_activation; entry q + 128 of a table is for code q */
    asd_factor positive; /* PRELU */
    asd_factor negative;
    int32_t prelu_zero_point; /* of its output */
    asd_rounding rounding; /* ONCE: two multipliers per channel, low and high word of a mantissa; shifts 33..94 right */
} asd_requantization;

/* CONV2D, DEPTHWISE and their accumulating forms. Scratch of the plain kernels: int16[min(4, n_mels_out)][taps], taps =
 * kernel_time * kernel_mel * n_channels_in, of CONV2D and POINTWISE; none of the others. */
typedef struct {
    uint32_t n_mels_in;
    uint32_t n_channels_in;
    uint32_t n_mels_out;
    uint32_t n_channels_out;
    uint32_t kernel_time;
    uint32_t kernel_mel;
    uint32_t stride_mel;
    uint32_t pad_mel;
    int32_t input_zero_point;
    const int8_t *weights;
    asd_requantization requantization;
} asd_conv2d_params;

void asd_conv2d_s8(const asd_conv2d_params *params, const int8_t *const *columns, int8_t *output, void *scratch);
/* kernel 1x1, every row: n_mels_out == n_mels_in */
void asd_pointwise_s8(const asd_conv2d_params *params, const int8_t *input, int8_t *output, void *scratch);
void asd_depthwise_s8(const asd_conv2d_params *params, const int8_t *const *columns, int8_t *output, void *scratch);
/* The products of one column with the weights of kernel column `time`, added to sums [n_mels_out][n_channels_out];
 * asd_finish_sums_s8 turns the sums into the output column. */
void asd_accumulate_conv2d_s8(const asd_conv2d_params *params, const int8_t *column, uint32_t time, int32_t *sums);
void asd_accumulate_depthwise_s8(const asd_conv2d_params *params, const int8_t *column, uint32_t time, int32_t *sums);
void asd_finish_sums_s8(const asd_conv2d_params *params, const int32_t *sums, int8_t *output);

/* Of the operators below, those that take one value at a time may write over their input. */
typedef struct {
    uint32_t n_mels;
    uint32_t n_channels;
    uint32_t n_tables;   /* 1, or n_channels */
    const int8_t *table; /* [n_tables][256], entry q + 128 for code q */
} asd_lookup_params;

typedef struct {
    uint32_t n_mels;
    uint32_t n_channels;
    const int8_t *slopes;
    asd_factor positive;
    asd_factor negative; /* of code * slope */
    int32_t input_zero_point;
    int32_t output_zero_point;
} asd_prelu_params;

typedef struct {
    uint32_t n_values;     /* of a column */
    asd_factor factors[2]; /* of each operand's codes * 2^20 */
    asd_factor sum_factor;
    int32_t input_zero_points[2];
    int32_t output_zero_point;
    int32_t low;
    int32_t high;
} asd_add_params;

typedef struct {
    uint32_t n_values;
    asd_factor factor; /* of the product of two codes */
    int32_t input_zero_points[2];
    int32_t output_zero_point;
    int32_t low;
    int32_t high;
} asd_mul_params;

void asd_lookup_s8(const asd_lookup_params *params, const int8_t *input, int8_t *output);
void asd_prelu_s8(const asd_prelu_params *params, const int8_t *input, int8_t *output);
void asd_add_s8(const asd_add_params *params, const int8_t *first, const int8_t *second, int8_t *output);
void asd_mul_s8(const asd_mul_params *params, const int8_t *first, const int8_t *second, int8_t *output);
void asd_maximum_s8(uint32_t n_values, const int8_t *first, const int8_t *second, int8_t *output);

typedef struct {
    uint32_t n_mels;
    uint32_t n_inputs;
    uint32_t n_channels[ASD_MAX_STEP_INPUTS]; /* of each input */
} asd_concat_params;

/* Windows as in asd_conv2d_params; what padding adds doesn't count. */
typedef struct {
    uint32_t n_mels_in;
    uint32_t n_mels_out;
    uint32_t n_channels;
    uint32_t kernel_time;
    uint32_t kernel_mel;
    uint32_t stride_mel;
    uint32_t pad_mel;
    int32_t low;
    int32_t high;
} asd_pool_params;

/* Over mel, or over time with or without mel (ACCUMULATE_MEAN). */
typedef struct {
    uint32_t n_mels_in;
    uint32_t n_mels_out; /* 1, or n_mels_in: mean over time alone */
    uint32_t n_channels;
    asd_factor factor; /* of the sum of all codes without zero point; it divides by their count, below 2^23 */
    int32_t input_zero_point;
    int32_t output_zero_point;
} asd_mean_params;

/* Over the channels of each row, 511 at most. The output's scale is 1/256, its zero point -128. */
typedef struct {
    uint32_t n_mels;
    uint32_t n_channels;
    const int32_t
        *exps; /* [256], entry d: exp(-d * beta * input scale) in Q0.31; entry 0 is 2^31 - 1, none is negative */
} asd_softmax_params;

void asd_concat_s8(const asd_concat_params *params, const int8_t *const *inputs, int8_t *output);
void asd_average_pool_s8(const asd_pool_params *params, const int8_t *const *columns, int8_t *output);
void asd_max_pool_s8(const asd_pool_params *params, const int8_t *const *columns, int8_t *output);
/* n_mels_out is 1 */
void asd_mean_s8(const asd_mean_params *params, const int8_t *input, int8_t *output);
/* One column into sums [n_mels_out][n_channels]; asd_finish_mean_s8 turns the sums into the output column. */
void asd_accumulate_mean_s8(const asd_mean_params *params, const int8_t *column, int32_t *sums);
void asd_finish_mean_s8(const asd_mean_params *params, const int32_t *sums, int8_t *output);
void asd_softmax_s8(const asd_softmax_params *params, const int8_t *input, int8_t *output);

#endif
