/* Audio from a timer's interrupt into a detector that stands still for a stretch -> the scores of the windows that
 * survive it. real_time_record.h */
#include <stddef.h>

#include "asd/asd.h"
#include "asd/asd_audio_buffer.h"
#include "asd/asd_port.h"
#include "real_time_record.h"

#define SYSTICK_CONTROL (*(volatile uint32_t *)0xE000E010u)
#define SYSTICK_RELOAD (*(volatile uint32_t *)0xE000E014u)
#define SYSTICK_VALUE (*(volatile uint32_t *)0xE000E018u)
#define RUN_WITH_INTERRUPT 7u
#define BLOCK_SAMPLES 64u
#define ROOM_SAMPLES 2048u

void asd_systick(void);

static asd_model model;
static asd_detector detector;
static asd_audio_buffer audio;
static int16_t room[ROOM_SAMPLES];
static void *arena;
static uint32_t arena_bytes;
static real_time_setup setup;
static volatile uint32_t n_pushed;
static volatile bool is_over;

/* The samples are the rest of the input. */
void asd_systick(void)
{
    int16_t block[BLOCK_SAMPLES];
    if (!asd_port_read(block, sizeof block)) {
        SYSTICK_CONTROL = 0;
        is_over = true;
        return;
    }
    asd_audio_buffer_push(&audio, block, BLOCK_SAMPLES);
    n_pushed += BLOCK_SAMPLES;
}

static void write_record(real_time_kind kind, asd_status status, int64_t value)
{
    const real_time_record record = {(uint32_t)kind, (uint32_t)status, value};
    asd_port_write(&record, sizeof record);
}

static void start(void)
{
    if (asd_detector_start(&detector, &model, arena, arena_bytes, setup.class_index) != ASD_OK) {
        asd_port_exit(1);
    }
}

static void finish(void)
{
    for (;;) {
        bool has_score = false;
        const asd_status status = asd_detector_finish(&detector, &has_score);
        if (!has_score) {
            return;
        }
        write_record(REAL_TIME_FINISHED, status, detector.score_q16);
    }
}

static void stand_still(void)
{
    while (n_pushed >= setup.busy_from && n_pushed < setup.busy_until) {
    }
}

/* False where nothing was waiting. */
static bool detect(void)
{
    const int16_t *samples;
    bool is_new = false, has_score = false;
    uint32_t n_taken = 0;
    const uint32_t n = asd_audio_buffer_peek(&audio, &samples, &is_new);
    if (is_new) {
        write_record(REAL_TIME_GAP, ASD_OK, 0);
        finish();
        start();
    }
    if (n == 0) {
        return is_new;
    }
    const asd_status status = asd_detector_push(&detector, samples, n, &n_taken, &has_score);
    asd_audio_buffer_release(&audio, n_taken);
    if (has_score) {
        write_record(REAL_TIME_SCORE, status, detector.score_q16);
    }
    return true;
}

int main(void)
{
    uint32_t slot_bytes = 0;
    const void *const slot = asd_port_model(&slot_bytes);
    arena = asd_port_arena(&arena_bytes);
    if (!asd_port_read(&setup, sizeof setup) || asd_model_load(&model, slot, slot_bytes) != ASD_OK ||
        model.detector == NULL ||
        asd_audio_buffer_start(&audio, room, ROOM_SAMPLES, model.detector->clip_samples) != ASD_OK) {
        asd_port_exit(1);
    }
    start();
    SYSTICK_RELOAD = setup.period - 1u;
    SYSTICK_VALUE = 0;
    SYSTICK_CONTROL = RUN_WITH_INTERRUPT;
    for (bool was_over = false, has_taken = true; has_taken || !was_over;) {
        was_over = is_over;
        stand_still();
        has_taken = detect();
    }
    finish();
    write_record(REAL_TIME_END, ASD_OK, audio.n_windows_dropped);
    asd_port_exit(0);
    return 0;
}
