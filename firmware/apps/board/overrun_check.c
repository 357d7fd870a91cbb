/* Samples from a timer's interrupt on a Cortex-M, a main loop that may be too slow -> what it got. audio_record.h */
#include "asd/asd_audio_buffer.h"
#include "asd/asd_port.h"
#include "audio_record.h"

#define SYSTICK_CONTROL (*(volatile uint32_t *)0xE000E010u)
#define SYSTICK_RELOAD (*(volatile uint32_t *)0xE000E014u)
#define SYSTICK_VALUE (*(volatile uint32_t *)0xE000E018u)
#define RUN_WITH_INTERRUPT 7u
#define BLOCK_SAMPLES 64u
#define ROOM_SAMPLES 1024u

void asd_systick(void);

static int16_t room[ROOM_SAMPLES];
static asd_audio_buffer audio;
static volatile uint32_t n_pushed, n_to_push;

void asd_systick(void)
{
    int16_t block[BLOCK_SAMPLES];
    if (n_pushed == n_to_push) {
        SYSTICK_CONTROL = 0;
        return;
    }
    for (uint32_t i = 0; i < BLOCK_SAMPLES; i++) {
        block[i] = (int16_t)(n_pushed + i);
    }
    asd_audio_buffer_push(&audio, block, BLOCK_SAMPLES);
    n_pushed += BLOCK_SAMPLES;
}

static void be_busy(uint32_t rounds)
{
    for (volatile uint32_t i = 0; i < rounds; i++) {
    }
}

/* False where there was nothing. */
static bool take(uint32_t busy_rounds)
{
    const int16_t *samples;
    bool is_new = false;
    const uint32_t n_there = asd_audio_buffer_peek(&audio, &samples, &is_new);
    const audio_taken taken = {is_new ? 1u : 0u, n_there < BLOCK_SAMPLES ? n_there : BLOCK_SAMPLES};
    if (taken.n_samples == 0 && !is_new) {
        return false;
    }
    asd_port_write(&taken, sizeof taken);
    asd_port_write(samples, taken.n_samples * (uint32_t)sizeof *samples);
    be_busy(busy_rounds);
    asd_audio_buffer_release(&audio, taken.n_samples);
    return true;
}

int main(void)
{
    audio_setup setup;
    if (!asd_port_read(&setup, sizeof setup) || setup.n_room > ROOM_SAMPLES ||
        asd_audio_buffer_start(&audio, room, setup.n_room, setup.window_samples) != ASD_OK) {
        asd_port_exit(1);
    }
    n_to_push = setup.n_windows * setup.window_samples;
    SYSTICK_RELOAD = setup.period - 1u;
    SYSTICK_VALUE = 0;
    SYSTICK_CONTROL = RUN_WITH_INTERRUPT;
    for (bool is_over = false, has_taken = true; has_taken || !is_over;) {
        is_over = n_pushed == n_to_push;
        has_taken = take(setup.busy_rounds);
    }
    const audio_taken last = {0, AUDIO_END};
    const audio_end end = {audio.n_windows_dropped, audio.most_samples};
    asd_port_write(&last, sizeof last);
    asd_port_write(&end, sizeof end);
    asd_port_exit(0);
    return 0;
}
