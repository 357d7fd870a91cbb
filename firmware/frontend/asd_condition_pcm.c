/* Bytes of a microphone -> int16: offset taken off, gain, rounded, saturated and counted. */
#include "asd/asd_fixed_point.h"
#include "asd/asd_microphone.h"

#define GAIN_END 0x40000000
#define LARGEST_OFFSET_SHIFT 24u

static inline int32_t read_sample(const uint8_t *bytes, asd_pcm_format format)
{
    const uint32_t low = (uint32_t)bytes[0], next = (uint32_t)bytes[1];
    if (format == ASD_PCM_S16) {
        return (int32_t)(low << 16 | next << 24);
    }
    const uint32_t third = (uint32_t)bytes[2];
    if (format == ASD_PCM_S32) {
        return (int32_t)(low | next << 8 | third << 16 | (uint32_t)bytes[3] << 24);
    }
    return (int32_t)(low << 8 | next << 16 | third << 24);
}

asd_status asd_condition_start(asd_conditioning_state *state, const asd_conditioning *conditioning, int32_t offset)
{
    if ((uint32_t)conditioning->format > ASD_PCM_S32 || conditioning->gain < 0 || conditioning->gain >= GAIN_END ||
        conditioning->offset_shift > LARGEST_OFFSET_SHIFT) {
        return ASD_ERROR_ARGUMENT;
    }
    state->offset = (int64_t)offset * 65536;
    state->n_saturated = 0;
    return ASD_OK;
}

void asd_condition_pcm(asd_conditioning_state *state, const asd_conditioning *conditioning, const uint8_t *bytes,
                       uint32_t n_samples, int16_t *conditioned)
{
    static const uint8_t sample_bytes[4] = {2, 3, 4, 4};
    const uint32_t step = sample_bytes[conditioning->format];
    for (uint32_t i = 0; i < n_samples; i++, bytes += step) {
        const int64_t value = read_sample(bytes, conditioning->format);
        /* 33 bits times 30 */
        const int64_t product = (value - (state->offset >> 16)) * conditioning->gain + INT64_C(0x80000000);
        const int32_t scaled = (int32_t)(product >> 32);
        const int32_t kept = asd_saturate_s16(scaled);
        state->n_saturated += kept != scaled;
        conditioned[i] = (int16_t)kept;
        if (conditioning->offset_shift > 0) {
            state->offset += (value * 65536 - state->offset) >> conditioning->offset_shift;
        }
    }
}
