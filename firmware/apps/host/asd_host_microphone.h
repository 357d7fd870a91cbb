/* Conditioning and decimation of a whole recording behind flat arguments, for asd_edge/native.py. */
#ifndef ASD_HOST_MICROPHONE_H
#define ASD_HOST_MICROPHONE_H

#include <stdint.h>

/* chunk_length samples at a time. Both return how many samples were saturated. */
uint32_t asd_host_condition(int32_t format, int32_t gain, int32_t offset, uint32_t offset_shift, const uint8_t *bytes,
                            uint32_t n_samples, uint32_t chunk_length, int16_t *conditioned);
uint32_t asd_host_decimate(const int16_t *samples, uint32_t n_samples, uint32_t chunk_length, int16_t *decimated);

#endif
