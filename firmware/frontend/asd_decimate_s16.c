/* 48 kHz -> 16 kHz: a symmetric FIR of 304 taps at every third sample, rounded, saturated and counted. */
#include <string.h>

#include "asd/asd_fixed_point.h"
#include "asd/asd_microphone.h"
#include "asd_frontend_tables.h"

#define FACTOR 3u
#define HISTORY (ASD_DECIMATOR_TAPS - FACTOR)
#define HALF_STEP 0x8000

static int16_t filter(asd_decimator_state *state, const int16_t *oldest)
{
    int64_t sum = HALF_STEP;
    for (uint32_t k = 0; k < ASD_DECIMATOR_TAPS; k++) {
        sum += (int32_t)oldest[k] * asd_decimator_taps_q16[k];
    }
    const int32_t rounded = (int32_t)(sum >> 16);
    const int32_t kept = asd_saturate_s16(rounded);
    state->n_saturated += kept != rounded;
    return (int16_t)kept;
}

void asd_decimate_start(asd_decimator_state *state)
{
    memset(state->samples, 0, sizeof state->samples);
    state->n_samples = HISTORY;
    state->n_saturated = 0;
}

uint32_t asd_decimate_s16(asd_decimator_state *state, const int16_t *samples, uint32_t n_samples, int16_t *decimated)
{
    uint32_t n_made = 0;
    while (n_samples > 0) {
        const uint32_t room = (uint32_t)(sizeof state->samples / sizeof *state->samples) - state->n_samples;
        const uint32_t n = n_samples < room ? n_samples : room;
        memcpy(state->samples + state->n_samples, samples, n * sizeof *samples);
        samples += n;
        n_samples -= n;
        state->n_samples += n;
        uint32_t first = 0;
        for (; first + ASD_DECIMATOR_TAPS <= state->n_samples; first += FACTOR) {
            decimated[n_made++] = filter(state, state->samples + first);
        }
        state->n_samples -= first;
        memmove(state->samples, state->samples + first, state->n_samples * sizeof *samples);
    }
    return n_made;
}
