/* Recordings in, each after its settings -> conditioned samples, decimated samples, both counts of saturated ones. */
#include "asd/asd_microphone.h"
#include "asd/asd_port.h"

#define N_SAMPLES 2000u
#define CHUNK 77u

typedef struct {
    int32_t format;
    int32_t gain;
    int32_t offset;
    uint32_t offset_shift;
} settings;

static settings setting;
static uint8_t bytes[4u * N_SAMPLES];
static int16_t conditioned[N_SAMPLES];
static int16_t decimated[N_SAMPLES / 3u];
static asd_conditioning_state conditioning_state;
static asd_decimator_state decimator_state;

static bool check_recording(void)
{
    const asd_conditioning conditioning = {(asd_pcm_format)setting.format, setting.gain, setting.offset_shift};
    const uint32_t sample_bytes = setting.format == ASD_PCM_S16 ? 2u : setting.format == ASD_PCM_S24 ? 3u : 4u;
    uint32_t n_made = 0;
    if (!asd_port_read(bytes, N_SAMPLES * sample_bytes)) {
        return false;
    }
    if (asd_condition_start(&conditioning_state, &conditioning, setting.offset) != ASD_OK) {
        return false;
    }
    asd_decimate_start(&decimator_state);
    for (uint32_t first = 0; first < N_SAMPLES; first += CHUNK) {
        const uint32_t left = N_SAMPLES - first, n = left < CHUNK ? left : CHUNK;
        asd_condition_pcm(&conditioning_state, &conditioning, bytes + first * sample_bytes, n, conditioned + first);
        n_made += asd_decimate_s16(&decimator_state, conditioned + first, n, decimated + n_made);
    }
    asd_port_write(conditioned, sizeof conditioned);
    asd_port_write(decimated, sizeof decimated);
    asd_port_write(&conditioning_state.n_saturated, sizeof conditioning_state.n_saturated);
    asd_port_write(&decimator_state.n_saturated, sizeof decimator_state.n_saturated);
    return n_made == N_SAMPLES / 3u;
}

int main(void)
{
    int32_t code = 0;
    while (code == 0 && asd_port_read(&setting, sizeof setting)) {
        code = check_recording() ? 0 : 1;
    }
    asd_port_exit(code);
    return code;
}
