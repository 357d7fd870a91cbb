/* The input of dsp_bench: one of these per layer. */
#ifndef DSP_BENCH_H
#define DSP_BENCH_H

#include <stdint.h>

typedef struct {
    uint32_t op;         /* asd_op */
    uint32_t activation; /* asd_activation */
    uint32_t n_mels_in;
    uint32_t n_channels_in;
    uint32_t n_mels_out;
    uint32_t n_channels_out;
    uint32_t kernel_time;
    uint32_t kernel_mel;
    uint32_t stride_mel;
    uint32_t pad_mel;
} dsp_bench_layer;

#endif
