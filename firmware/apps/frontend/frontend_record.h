/* The input of the check and bench programs: settings and taps of one clip; its samples follow. Little-endian. */
#ifndef FRONTEND_RECORD_H
#define FRONTEND_RECORD_H

#include "asd/asd_frontend.h"

typedef struct {
    uint32_t n_samples;
    uint32_t chunk_length; /* 1..4096 samples at a time */
    uint32_t has_fir;
    uint32_t reserved;
    asd_code_scale log_mel_scale;
    asd_code_scale fir_scale;
    int64_t bias;
    int16_t high[1024];
    int16_t low[1024];
} frontend_record;

#endif
