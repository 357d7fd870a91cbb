/* What stands between a microphone and the front end: sample formats, offset and gain; 48 kHz to 16 kHz. The bits of
 * asd_edge/frontend/condition_pcm.py and decimate.py. Saturated samples are counted, for the caller to report. */
#ifndef ASD_MICROPHONE_H
#define ASD_MICROPHONE_H

#include <stdint.h>

#include "asd/asd_status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ASD_DECIMATOR_TAPS 304u
#define ASD_DECIMATOR_BLOCK 192u

/* Little-endian. */
typedef enum {
    ASD_PCM_S16 = 0,
    ASD_PCM_S24 = 1,     /* three bytes */
    ASD_PCM_S24_LOW = 2, /* the low three bytes of a word, the highest is ignored */
    ASD_PCM_S32 = 3,     /* also 24 bits in the high three bytes, as I2S gives them */
} asd_pcm_format;

typedef struct {
    asd_pcm_format format;
    int32_t gain;          /* 1.0 is 2^16; 0..2^30 - 1 */
    uint32_t offset_shift; /* the offset follows with 2^offset_shift samples; 0: it stays; at most 24 */
} asd_conditioning;

typedef struct {
    int64_t offset; /* of a 32-bit sample, 16 bits finer */
    uint32_t n_saturated;
} asd_conditioning_state;

typedef struct {
    int16_t samples[ASD_DECIMATOR_TAPS + ASD_DECIMATOR_BLOCK];
    uint32_t n_samples; /* in the buffer, the history included */
    uint32_t n_saturated;
} asd_decimator_state;

/* offset: what the microphone adds, as a 32-bit sample. ASD_ERROR_ARGUMENT where a setting is out of its range; the
 * state isn't begun then. */
asd_status asd_condition_start(asd_conditioning_state *state, const asd_conditioning *conditioning, int32_t offset);

/* n_samples whole samples in bytes -> as many int16, with the settings that asd_condition_start took. */
void asd_condition_pcm(asd_conditioning_state *state, const asd_conditioning *conditioning, const uint8_t *bytes,
                       uint32_t n_samples, int16_t *conditioned);

void asd_decimate_start(asd_decimator_state *state);

/* Samples at 48 kHz, any number -> those at 16 kHz that they complete; room for n_samples / 3 + 1. Returns how many. */
uint32_t asd_decimate_s16(asd_decimator_state *state, const int16_t *samples, uint32_t n_samples, int16_t *decimated);

#ifdef __cplusplus
}
#endif

#endif
