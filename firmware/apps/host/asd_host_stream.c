/* Samples as they arrive -> scores as they are there, on a state of the caller's. */
#include "asd_host_stream.h"

#include <stddef.h>

#include "asd/asd.h"
#include "asd/asd_microphone.h"

typedef struct {
    asd_model model;
    asd_detector detector;
    void *arena;
    uint32_t arena_bytes;
    uint32_t class_index;
} stream;

uint32_t asd_host_stream_bytes(void)
{
    return (uint32_t)sizeof(stream);
}

uint32_t asd_host_decimator_bytes(void)
{
    return (uint32_t)sizeof(asd_decimator_state);
}

asd_status asd_host_stream_open(void *state, const void *image, uint32_t n_bytes, void *arena, uint32_t arena_bytes,
                                uint32_t class_index)
{
    stream *const s = state;
    s->arena = arena;
    s->arena_bytes = arena_bytes;
    s->class_index = class_index;
    const asd_status status = asd_model_load(&s->model, image, n_bytes);
    return status == ASD_OK ? asd_host_stream_restart(s) : status;
}

asd_status asd_host_stream_restart(void *state)
{
    stream *const s = state;
    return asd_detector_start(&s->detector, &s->model, s->arena, s->arena_bytes, s->class_index);
}

asd_status asd_host_stream_push(void *state, const int16_t *samples, uint32_t n_samples, uint32_t *n_taken,
                                bool *has_score, int64_t *score_q16)
{
    stream *const s = state;
    const asd_status status = asd_detector_push(&s->detector, samples, n_samples, n_taken, has_score);
    *score_q16 = s->detector.score_q16;
    return status;
}

asd_status asd_host_stream_finish(void *state, bool *has_score, int64_t *score_q16)
{
    stream *const s = state;
    const asd_status status = asd_detector_finish(&s->detector, has_score);
    *score_q16 = s->detector.score_q16;
    return status;
}

void asd_host_decimator_open(void *state)
{
    asd_decimate_start(state);
}

uint32_t asd_host_decimator_push(void *state, const int16_t *samples, uint32_t n_samples, int16_t *decimated)
{
    return asd_decimate_s16(state, samples, n_samples, decimated);
}
