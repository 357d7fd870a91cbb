/* Any bytes -> an image with its checksum put right -> if the loader takes it, a bounded run; for libFuzzer. */
#define _POSIX_C_SOURCE 200112L /* posix_memalign */

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "asd/asd.h"
#include "asd_checks.h"

#define MAX_BYTES 65536u
#define MAX_ARENA_BYTES (1u << 20)
#define LEAST_PUSHES 24u
#define MOST_PUSHES 1024u   /* two windows and a column where they are shorter */
#define MOST_WORK 20000000u /* multiplications and copied bytes of a run, about */
#define LEAST_SAMPLES 2048u
#define MOST_SAMPLES 40960u /* two clips and some where they are shorter */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

/* Not a byte more than asked for: an access beyond is seen. */
static uint8_t *aligned_bytes(size_t n_bytes)
{
    void *bytes = NULL;
    if (posix_memalign(&bytes, ASD_IMAGE_ALIGNMENT, n_bytes) != 0) {
        abort();
    }
    return bytes;
}

static void ignore(void *context, const int8_t *column)
{
    *(int32_t *)context += column[0];
}

static uint32_t at_least(uint32_t least, uint64_t wanted, uint32_t most)
{
    return wanted > least && wanted <= most ? (uint32_t)wanted : least;
}

/* Columns: beyond the end of the second window, unless windows are long. */
static uint32_t n_pushes(const asd_model *model)
{
    return at_least(LEAST_PUSHES, 2u * (uint64_t)model->tensors[model->header->inputs[0]].n_columns + 1u, MOST_PUSHES);
}

static uint32_t n_samples(const asd_model *model)
{
    return at_least(LEAST_SAMPLES, 2u * (uint64_t)model->detector->clip_samples + ASD_HOP_LENGTH, MOST_SAMPLES);
}

/* What one run may cost; an image that a fuzzer has blown up is legal but tells nothing more. */
static bool is_small(const asd_model *model)
{
    const uint32_t window = model->tensors[model->header->inputs[0]].n_columns;
    const uint64_t n_windows = window == 0 ? 1u : n_pushes(model) / window + 1u;
    uint64_t work = 0;
    for (uint32_t i = 0; i < model->header->n_steps; i++) {
        const asd_image_step *const step = &model->steps[i];
        const asd_image_tensor *const in = &model->tensors[step->inputs[0]], *const out = &model->tensors[step->output];
        const uint64_t n_taps =
            step->op == ASD_OP_CONV2D || step->op == ASD_OP_POINTWISE || step->op == ASD_OP_ACCUMULATE_CONV2D
                ? in->n_channels
                : 1u;
        const uint64_t column = n_taps * step->kernel_time * step->kernel_mel * asd_column_bytes(out);
        const uint64_t n_columns = window == 0 ? 2u * LEAST_PUSHES : n_windows * out->n_columns;
        work += (column + asd_column_bytes(in) + 16u) * n_columns;
        work += (step->delay + 1u) * n_columns * model->header->n_steps;
    }
    return work < MOST_WORK && model->header->arena_bytes <= MAX_ARENA_BYTES;
}

static void run_network(const asd_model *model, uint8_t *arena)
{
    asd_engine engine;
    int32_t sum = 0;
    uint32_t code = 1;
    if (asd_engine_start(&engine, model, arena, model->header->arena_bytes, ignore, &sum) != ASD_OK) {
        abort();
    }
    for (uint32_t column = 0; column < n_pushes(model); column++) {
        for (uint32_t i = 0; i < model->header->n_inputs; i++) {
            int8_t *const values = asd_engine_input(&engine, i);
            for (uint32_t k = 0; k < asd_column_bytes(&model->tensors[model->header->inputs[i]]); k++) {
                code = code * 1664525u + 1013904223u;
                values[k] = (int8_t)(code >> 24);
            }
        }
        asd_engine_push(&engine);
    }
    while (asd_engine_tick(&engine)) {
    }
}

static void run_detector(const asd_model *model, uint8_t *arena)
{
    static asd_detector detector;
    static int16_t samples[MOST_SAMPLES];
    const uint32_t n = n_samples(model);
    bool has_score = true;
    if (asd_detector_start(&detector, model, arena, model->header->arena_bytes, 0) != ASD_OK) {
        abort(); /* the loader has seen to it */
    }
    for (uint32_t i = 0; i < n; i++) {
        samples[i] = (int16_t)((i * 40503u) & 0xFFFFu);
    }
    uint32_t n_taken = 0;
    for (uint32_t n_pushed = 0; n_pushed < n; n_pushed += n_taken) {
        asd_detector_push(&detector, samples + n_pushed, n - n_pushed, &n_taken, &has_score);
    }
    for (has_score = true; has_score;) {
        asd_detector_finish(&detector, &has_score);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    if (n_bytes < sizeof(asd_image_header) || n_bytes > MAX_BYTES) {
        return 0;
    }
    uint8_t *const image = aligned_bytes(n_bytes);
    memcpy(image, data, n_bytes);
    asd_image_header *const header = (asd_image_header *)(void *)image;
    header->magic = ASD_IMAGE_MAGIC;
    header->version = ASD_IMAGE_VERSION;
    header->core %= ASD_CORE_MVE + 1u;
    header->n_bytes = (uint32_t)n_bytes;
    header->crc32 = asd_image_crc32(image, (uint32_t)n_bytes);
    asd_model model;
    if (asd_model_load(&model, image, (uint32_t)n_bytes) == ASD_OK && is_small(&model)) {
        uint8_t *const arena = aligned_bytes(model.header->arena_bytes);
        run_network(&model, arena);
        if (model.detector != NULL) {
            run_detector(&model, arena);
        }
        free(arena);
    }
    free(image);
    return 0;
}
