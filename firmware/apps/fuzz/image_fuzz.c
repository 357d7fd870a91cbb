/* Any bytes -> an image with its checksum put right -> if the loader takes it, a bounded run; for libFuzzer. */
#define _POSIX_C_SOURCE 200112L /* posix_memalign */

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "asd/asd.h"
#include "asd_checks.h"

#define MAX_BYTES 65536u
#define MAX_ARENA_BYTES (1u << 20)
#define N_PUSHES 24u
#define MOST_WORK 20000000u /* multiplications and copied bytes of a run, about */
#define N_SAMPLES 2048u

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

/* What one run may cost; an image that a fuzzer has blown up is legal but tells nothing more. */
static bool is_small(const asd_model *model)
{
    uint64_t work = 0;
    for (uint32_t i = 0; i < model->header->n_steps; i++) {
        const asd_image_step *const step = &model->steps[i];
        const asd_image_tensor *const in = &model->tensors[step->inputs[0]], *const out = &model->tensors[step->output];
        const uint64_t n_taps =
            step->op == ASD_OP_CONV2D || step->op == ASD_OP_POINTWISE || step->op == ASD_OP_ACCUMULATE_CONV2D
                ? in->n_channels
                : 1u;
        const uint64_t column = n_taps * step->kernel_time * step->kernel_mel * asd_column_bytes(out);
        const uint64_t n_columns = out->n_columns == 0 ? 2u * N_PUSHES : out->n_columns;
        work += (column + asd_column_bytes(in) + 16u) * n_columns * N_PUSHES;
        work += (uint64_t)step->delay * n_columns * N_PUSHES * model->header->n_steps;
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
    for (uint32_t column = 0; column < N_PUSHES; column++) {
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
    static int16_t samples[N_SAMPLES];
    uint32_t n_taken = 0;
    bool has_score = false;
    if (asd_detector_start(&detector, model, arena, model->header->arena_bytes, 0) != ASD_OK) {
        return;
    }
    for (uint32_t i = 0; i < N_SAMPLES; i++) {
        samples[i] = (int16_t)((i * 40503u) & 0xFFFFu);
    }
    for (uint32_t n_pushed = 0; n_pushed < N_SAMPLES; n_pushed += n_taken) {
        asd_detector_push(&detector, samples + n_pushed, N_SAMPLES - n_pushed, &n_taken, &has_score);
    }
    asd_detector_finish(&detector, &has_score);
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
