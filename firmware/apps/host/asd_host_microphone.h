/* Conditioning and decimation of a whole recording behind flat arguments, for asd_edge/native.py. */
#ifndef ASD_HOST_MICROPHONE_H
#define ASD_HOST_MICROPHONE_H

#include <stdint.h>

#include "asd/asd_status.h"

/* chunk_length samples at a time (0: all at once). ASD_ERROR_ARGUMENT where a setting is out of its range. */
asd_status asd_host_condition(int32_t format, int32_t gain, int32_t offset, uint32_t offset_shift, const uint8_t *bytes,
                              uint32_t n_samples, uint32_t chunk_length, int16_t *conditioned, uint32_t *n_saturated);

/* Likewise in chunks. Returns how many samples were saturated. */
uint32_t asd_host_decimate(const int16_t *samples, uint32_t n_samples, uint32_t chunk_length, int16_t *decimated);

#endif
