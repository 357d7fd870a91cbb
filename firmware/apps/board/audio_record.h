/* What the audio checks read and write. Little-endian. */
#ifndef AUDIO_RECORD_H
#define AUDIO_RECORD_H

#include <stdint.h>

/* In, first of all. Samples count up from 0. */
typedef struct {
    uint32_t n_room;
    uint32_t window_samples;
    uint32_t n_windows;   /* overrun_check: how many come in */
    uint32_t busy_rounds; /* overrun_check: how long the consumer is busy with each 64 samples */
    uint32_t period;      /* overrun_check: ticks of the core's clock between 64 samples and the next */
} audio_setup;

/* In, audio_check only. */
typedef struct {
    uint32_t is_push;
    uint32_t n_samples; /* to push, or to take at most */
} audio_step;

/* Out, of each look into the buffer that found samples or a new window; the samples follow, int16. */
typedef struct {
    uint32_t is_new;
    uint32_t n_samples;
} audio_taken;

/* Out, last of all, behind an audio_taken of 0xFFFFFFFF samples. */
#define AUDIO_END 0xFFFFFFFFu
typedef struct {
    uint32_t n_windows_dropped;
    uint32_t most_samples;
} audio_end;

#endif
