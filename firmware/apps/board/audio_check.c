/* Pushes and takes in any order -> what the consumer of an audio buffer gets. audio_record.h */
#include "asd/asd_audio_buffer.h"
#include "asd/asd_port.h"
#include "audio_record.h"

#define MOST_SAMPLES 4096u

static int16_t room[MOST_SAMPLES], pushed[MOST_SAMPLES];
static asd_audio_buffer audio;

static void push(uint32_t n)
{
    static uint32_t next = 0;
    for (uint32_t i = 0; i < n; i++) {
        pushed[i] = (int16_t)next++;
    }
    asd_audio_buffer_push(&audio, pushed, n);
}

static void take(uint32_t most)
{
    const int16_t *samples;
    bool is_new = false;
    const uint32_t n_there = asd_audio_buffer_peek(&audio, &samples, &is_new), n = n_there < most ? n_there : most;
    const audio_taken taken = {is_new ? 1u : 0u, n};
    if (n > 0 || is_new) {
        asd_port_write(&taken, sizeof taken);
        asd_port_write(samples, n * (uint32_t)sizeof *samples);
        asd_audio_buffer_release(&audio, n);
    }
}

int main(void)
{
    audio_setup setup;
    audio_step step;
    if (!asd_port_read(&setup, sizeof setup) || setup.n_room > MOST_SAMPLES ||
        asd_audio_buffer_start(&audio, room, setup.n_room, setup.window_samples) != ASD_OK) {
        asd_port_exit(1);
    }
    while (asd_port_read(&step, sizeof step) && step.n_samples <= MOST_SAMPLES) {
        (step.is_push != 0 ? push : take)(step.n_samples);
    }
    const audio_taken last = {0, AUDIO_END};
    const audio_end end = {audio.n_windows_dropped, audio.most_samples};
    asd_port_write(&last, sizeof last);
    asd_port_write(&end, sizeof end);
    asd_port_exit(0);
    return 0;
}
