/* A whole recording through conditioning and decimation in chunks. */
#include "asd_host_microphone.h"

#include "asd/asd_microphone.h"

uint32_t asd_host_condition(int32_t format, int32_t gain, int32_t offset, uint32_t offset_shift, const uint8_t *bytes,
                            uint32_t n_samples, uint32_t chunk_length, int16_t *conditioned)
{
    const asd_conditioning conditioning = {(asd_pcm_format)format, gain, offset_shift};
    const uint32_t sample_bytes = format == ASD_PCM_S16 ? 2u : format == ASD_PCM_S24 ? 3u : 4u;
    asd_conditioning_state state;
    asd_condition_start(&state, offset);
    for (uint32_t first = 0; first < n_samples; first += chunk_length) {
        const uint32_t left = n_samples - first, n = left < chunk_length ? left : chunk_length;
        asd_condition_pcm(&state, &conditioning, bytes + first * sample_bytes, n, conditioned + first);
    }
    return state.n_saturated;
}

uint32_t asd_host_decimate(const int16_t *samples, uint32_t n_samples, uint32_t chunk_length, int16_t *decimated)
{
    asd_decimator_state state;
    uint32_t n_made = 0;
    asd_decimate_start(&state);
    for (uint32_t first = 0; first < n_samples; first += chunk_length) {
        const uint32_t left = n_samples - first, n = left < chunk_length ? left : chunk_length;
        n_made += asd_decimate_s16(&state, samples + first, n, decimated + n_made);
    }
    return state.n_saturated;
}
