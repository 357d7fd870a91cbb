/* A detector that stays open between calls, and the decimator likewise, for asd_edge/native_stream.py. */
#ifndef ASD_HOST_STREAM_H
#define ASD_HOST_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "asd/asd_status.h"

/* The caller's bytes for a state, at a multiple of 16; it must not move. */
uint32_t asd_host_stream_bytes(void);
uint32_t asd_host_decimator_bytes(void);

/* Check the image and start its detector. Image, arena and state must stay until the last call. */
asd_status asd_host_stream_open(void *state, const void *image, uint32_t n_bytes, void *arena, uint32_t arena_bytes,
                                uint32_t class_index);

/* Start again: what comes next is the beginning of a stream. */
asd_status asd_host_stream_restart(void *state);

/* asd_detector_push and asd_detector_finish; *score_q16 is set where *has_score is true and ASD_OK is returned. */
asd_status asd_host_stream_push(void *state, const int16_t *samples, uint32_t n_samples, uint32_t *n_taken,
                                bool *has_score, int64_t *score_q16);
asd_status asd_host_stream_finish(void *state, bool *has_score, int64_t *score_q16);

/* asd_decimate_start, and asd_decimate_s16: how many samples were made. */
void asd_host_decimator_open(void *state);
uint32_t asd_host_decimator_push(void *state, const int16_t *samples, uint32_t n_samples, int16_t *decimated);

#endif
