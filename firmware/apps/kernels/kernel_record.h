/* The input of kernel_check: one operator; its constants and inputs follow. Little-endian.
 *
 * After the record: bias int32[n_sums], multipliers int32[n_sums] (uint32[n_sums][2] where rounded once), shifts int8,
 * weights, table, then each input [n_columns_in][n_mels_in][its channels]. The output is
 * [n_columns_out][n_mels_out][n_channels_out]. */
#ifndef KERNEL_RECORD_H
#define KERNEL_RECORD_H

#include "asd_kernels.h"

typedef struct {
    uint32_t op; /* asd_op */
    uint32_t n_inputs;
    uint32_t n_columns_in;
    uint32_t n_columns_out;
    uint32_t kernel_time;
    uint32_t stride_time;
    uint32_t pad_time;
    uint32_t n_mels_in;
    uint32_t n_mels_out;
    uint32_t kernel_mel;
    uint32_t stride_mel;
    uint32_t pad_mel;
    uint32_t n_channels_in[ASD_MAX_STEP_INPUTS];
    uint32_t n_channels_out;
    int32_t input_zero_points[2];
    int32_t zero_point;       /* of a sum's codes */
    int32_t prelu_zero_point; /* of the codes after a fused PReLU */
    int32_t low;
    int32_t high;
    uint32_t activation; /* asd_activation */
    uint32_t rounding;   /* asd_rounding */
    asd_factor factors[3];
    uint32_t n_sums; /* channels that have bias, multiplier and shift */
    uint32_t weights_bytes;
    uint32_t table_bytes;
} kernel_record;

#endif
