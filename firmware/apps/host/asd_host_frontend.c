/* A whole clip through the streaming front end -> arrays of frames: what the Python binding and the checks call. */
#include "asd_host_frontend.h"

#include <string.h>

static void keep(const asd_frontend_frame *frame, uint32_t index, const asd_host_frames *frames)
{
    memcpy(frames->log_mel + index * ASD_N_MELS, frame->log_mel, sizeof frame->log_mel);
    memcpy(frames->log_mel_codes + index * ASD_N_MELS, frame->log_mel_codes, sizeof frame->log_mel_codes);
    frames->fir[index] = frame->fir;
    frames->fir_codes[index] = frame->fir_code;
}

int32_t asd_host_frontend(const asd_frontend_params *params, const int16_t *samples, uint32_t n_samples,
                          uint32_t chunk_length, const asd_host_frames *frames)
{
    asd_frontend_state state;
    asd_frontend_scratch scratch;
    asd_frontend_frame frame;
    uint32_t n_frames = 0, n_pushed = 0;
    asd_frontend_start(&state);
    while (n_pushed < n_samples) {
        const uint32_t left = n_samples - n_pushed;
        const uint32_t n = chunk_length == 0 || left < chunk_length ? left : chunk_length;
        uint32_t n_taken = 0;
        bool has_frame = false;
        asd_frontend_push(&state, &scratch, params, samples + n_pushed, n, &frame, &n_taken, &has_frame);
        n_pushed += n_taken;
        if (has_frame) {
            keep(&frame, n_frames++, frames);
        }
    }
    if (asd_frontend_finish(&state, &scratch, params, &frame) != ASD_OK) {
        return -1;
    }
    keep(&frame, n_frames++, frames);
    return (int32_t)n_frames;
}

uint32_t asd_host_frontend_ram_bytes(void)
{
    return (uint32_t)(sizeof(asd_frontend_state) + sizeof(asd_frontend_scratch));
}
