/* Clips in, 64 samples at a time as an audio interrupt would bring them -> scores, embeddings, ticks of each time;
 * built with ASD_MARKS also the ticks of front end, scheduler, scorer and each step. score_record.h */
#include <stddef.h>
#include <string.h>

#include "asd/asd.h"
#include "asd/asd_audio_buffer.h"
#include "asd/asd_port.h"
#include "asd_marks.h"
#include "score_record.h"

#ifndef ASD_AUDIO_SAMPLES
#define ASD_AUDIO_SAMPLES 4096u
#endif
#define BLOCK_SAMPLES 64u /* of one interrupt */
#define N_MARKS_TIMED 64u
#define MAX_PARTS 256u
#define PART_OUTSIDE (MAX_PARTS - 1u) /* of the detector */
#define CLIP_CUT_OFF 1
#define MODEL_REFUSED 2

static asd_model model;
static asd_detector detector;
static asd_audio_buffer audio;
static int16_t room[ASD_AUDIO_SAMPLES];
static int16_t block[BLOCK_SAMPLES];
static void *arena;
static uint32_t arena_bytes;

#ifdef ASD_MARKS
static uint64_t part_ticks[MAX_PARTS];
static uint32_t part_counts[MAX_PARTS], part_now, part_start;

void asd_mark(uint32_t part)
{
    const uint32_t now = asd_port_ticks();
    part_ticks[part_now] += now - part_start;
    part_now = part < PART_OUTSIDE ? part : PART_OUTSIDE;
    part_counts[part_now]++;
    part_start = asd_port_ticks();
}
#endif

static void write_record(score_kind kind, uint32_t size, uint32_t status, int64_t value)
{
    const score_record record = {(uint16_t)kind, (uint16_t)size, status, value};
    asd_port_write(&record, sizeof record);
}

/* An embedding, or what an autoencoder made of a vector: some hundred instructions within the hop that is counted. */
static void write_output(void *context, const int8_t *codes)
{
    const asd_image_tensor *const output = &model.tensors[model.header->output];
    const uint32_t n_codes = (uint32_t)output->n_mels * output->n_channels;
    (void)context;
    write_record(SCORE_OUTPUT, n_codes, 0, 0);
    asd_port_write(codes, n_codes);
}

static void write_score(asd_status status)
{
    write_record(SCORE_FOUND, 0, (uint32_t)status, detector.score_q16);
}

static uint32_t ticks_of_64_marks(void)
{
#ifdef ASD_MARKS
    part_start = asd_port_ticks();
    for (uint32_t i = 0; i < N_MARKS_TIMED; i++) {
        asd_mark(ASD_MARK_FRONTEND);
    }
    const uint32_t ticks = (uint32_t)part_ticks[ASD_MARK_FRONTEND];
    memset(part_ticks, 0, sizeof part_ticks);
    memset(part_counts, 0, sizeof part_counts);
    part_now = PART_OUTSIDE; /* the start of a detector is nobody's */
    return ticks;
#else
    return 0;
#endif
}

static void write_start(asd_status status)
{
    asd_port_memory_use use;
    asd_port_memory(&use);
    const score_start start = {
        .status = (uint32_t)status,
        .ticks_per_1000 = asd_port_ticks_per_1000(),
        .mark_ticks = ticks_of_64_marks(),
        .ram_bytes = use.ram_bytes,
        .static_bytes = use.static_bytes,
        .detector_bytes = sizeof detector + sizeof model,
        .audio_bytes = sizeof audio + sizeof room,
        .counting_bytes = sizeof block,
        .arena_bytes = status == ASD_OK || status == ASD_ERROR_ARENA ? model.header->arena_bytes : 0u,
        .free_bytes = arena_bytes,
        .stack_bytes = use.stack_bytes,
    };
    asd_port_write(&start, sizeof start);
}

static void finish(void)
{
    uint32_t ticks = 0;
    bool has_score = true;
    while (has_score) {
        asd_mark(ASD_MARK_SCHEDULER);
        const uint32_t start = asd_port_ticks();
        const asd_status status = asd_detector_finish(&detector, &has_score);
        ticks += asd_port_ticks() - start;
        asd_mark(PART_OUTSIDE);
        if (has_score) {
            write_score(status);
        }
    }
    write_record(SCORE_BLOCK, 0, 0, ticks);
}

/* Samples were lost: what is under way is the last of it, then a new stream. */
static void start_again(void)
{
    finish();
    (void)asd_detector_start(&detector, &model, arena, arena_bytes, detector.class_index);
    detector.on_embedding = write_output;
}

/* All that waits in the buffer, into the detector; the ticks that it took. */
static uint32_t detect(void)
{
    uint32_t ticks = 0;
    for (;;) {
        const int16_t *samples;
        bool is_new = false, has_score = false;
        uint32_t n_taken = 0;
        const uint32_t n = asd_audio_buffer_peek(&audio, &samples, &is_new);
        if (is_new) {
            start_again();
        }
        if (n == 0) {
            return ticks;
        }
        asd_mark(ASD_MARK_FRONTEND);
        const uint32_t start = asd_port_ticks();
        const asd_status status = asd_detector_push(&detector, samples, n, &n_taken, &has_score);
        ticks += asd_port_ticks() - start;
        asd_mark(PART_OUTSIDE);
        asd_audio_buffer_release(&audio, n_taken);
        if (has_score) {
            write_score(status);
        }
    }
}

static uint32_t n_columns(void)
{
    return detector.engine.tensors[model.header->inputs[0]].n_produced;
}

static bool score_clip_samples(uint32_t n_samples)
{
    while (n_samples > 0) {
        const uint32_t n = n_samples < BLOCK_SAMPLES ? n_samples : BLOCK_SAMPLES, n_before = n_columns();
        if (!asd_port_read(block, n * (uint32_t)sizeof *block)) {
            return false;
        }
        asd_audio_buffer_push(&audio, block, n);
        const uint32_t ticks = detect();
        write_record(SCORE_BLOCK, n_columns() - n_before, n, ticks);
        n_samples -= n;
    }
    return true;
}

static void write_clip_end(void)
{
#ifdef ASD_MARKS
    for (uint32_t part = 0; part < ASD_MARK_STEPS + model.header->n_steps && part < PART_OUTSIDE; part++) {
        write_record(SCORE_PART, part, part_counts[part], (int64_t)part_ticks[part]);
    }
#endif
    asd_port_memory_use use;
    asd_port_memory(&use);
    write_record(SCORE_CLIP, 0, audio.n_windows_dropped, use.stack_used_bytes);
}

int main(void)
{
    uint32_t slot_bytes = 0;
    const void *const slot = asd_port_model(&slot_bytes);
    arena = asd_port_arena(&arena_bytes);
    asd_status status = asd_model_load(&model, slot, slot_bytes);
    if (status == ASD_OK && (model.detector == NULL || model.header->arena_bytes > arena_bytes)) {
        status = model.detector == NULL ? ASD_ERROR_NO_DETECTOR : ASD_ERROR_ARENA;
    }
    write_start(status);
    if (status != ASD_OK) {
        asd_port_exit(MODEL_REFUSED);
    }
    score_clip clip;
    while (asd_port_read(&clip, sizeof clip)) {
        if (clip.is_continued == 0) {
            status = asd_detector_start(&detector, &model, arena, arena_bytes, clip.class_index);
            detector.on_embedding = write_output;
            (void)asd_audio_buffer_start(&audio, room, ASD_AUDIO_SAMPLES, model.detector->clip_samples);
        }
        if (status != ASD_OK || !score_clip_samples(clip.n_samples)) {
            asd_port_exit(CLIP_CUT_OFF);
        }
        if (clip.is_last != 0) {
            finish();
        }
        write_clip_end();
    }
    asd_port_exit(0);
    return 0;
}
