/* The front end behind flat arguments, for asd_edge/native.py and the check programs. */
#ifndef ASD_HOST_FRONTEND_H
#define ASD_HOST_FRONTEND_H

#include <stdint.h>

#include "asd/asd_frontend.h"

/* What a clip gives; each array has one entry or one row of 128 per frame. */
typedef struct {
    int16_t *log_mel;
    int8_t *log_mel_codes;
    int64_t *fir;
    int8_t *fir_codes;
} asd_host_frames;

/* A clip in chunks of chunk_length samples (0: at once) -> frames. Returns their number, or -1 for a clip too short. */
int32_t asd_host_frontend(const asd_frontend_params *params, const int16_t *samples, uint32_t n_samples,
                          uint32_t chunk_length, const asd_host_frames *frames);

/* Bytes of state and scratch together. */
uint32_t asd_host_frontend_ram_bytes(void);

#endif
