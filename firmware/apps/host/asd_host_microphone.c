/* A whole recording through conditioning and decimation in chunks. */
#include "asd_host_microphone.h"

#include "asd/asd_microphone.h"

static uint32_t next_chunk(uint32_t left, uint32_t chunk_length)
{
    return chunk_length == 0 || left < chunk_length ? left : chunk_length;
}

asd_status asd_host_condition(int32_t format, int32_t gain, int32_t offset, uint32_t offset_shift, const uint8_t *bytes,
                              uint32_t n_samples, uint32_t chunk_length, int16_t *conditioned, uint32_t *n_saturated)
{
    const asd_conditioning conditioning = {(asd_pcm_format)format, gain, offset_shift};
    const uint32_t sample_bytes = format == ASD_PCM_S16 ? 2u : format == ASD_PCM_S24 ? 3u : 4u;
    asd_conditioning_state state;
    const asd_status status = asd_condition_start(&state, &conditioning, offset);
    if (status != ASD_OK) {
        return status;
    }
    for (uint32_t first = 0; first < n_samples;) {
        const uint32_t n = next_chunk(n_samples - first, chunk_length);
        asd_condition_pcm(&state, &conditioning, bytes + first * sample_bytes, n, conditioned + first);
        first += n;
    }
    *n_saturated = state.n_saturated;
    return ASD_OK;
}

uint32_t asd_host_decimate(const int16_t *samples, uint32_t n_samples, uint32_t chunk_length, int16_t *decimated)
{
    asd_decimator_state state;
    uint32_t n_made = 0;
    asd_decimate_start(&state);
    for (uint32_t first = 0; first < n_samples;) {
        const uint32_t n = next_chunk(n_samples - first, chunk_length);
        n_made += asd_decimate_s16(&state, samples + first, n, decimated + n_made);
        first += n;
    }
    return state.n_saturated;
}
