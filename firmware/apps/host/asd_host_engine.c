/* A whole run of an image: columns in, columns out, every tensor through the tap; or samples in, scores out. */
#include "asd_host_engine.h"

#include <stddef.h>
#include <string.h>

#include "asd/asd.h"
#include "asd_checks.h"

typedef struct {
    const asd_model *model;
    asd_host_columns *output;
    asd_host_columns *tensors;
} recording;

static void keep(asd_host_columns *columns, const int8_t *column, uint32_t n_bytes)
{
    if (columns->values != NULL && columns->n_columns < columns->capacity) {
        memcpy(columns->values + (size_t)columns->n_columns * n_bytes, column, n_bytes);
        columns->n_columns++;
    }
}

static void keep_output(void *context, const int8_t *column)
{
    const recording *const r = context;
    keep(r->output, column, asd_column_bytes(&r->model->tensors[r->model->header->output]));
}

static void keep_tensor(void *context, uint32_t step, uint32_t tensor, uint32_t index, const int8_t *column)
{
    const recording *const r = context;
    (void)step;
    (void)index;
    keep(&r->tensors[tensor], column, asd_column_bytes(&r->model->tensors[tensor]));
}

asd_status asd_host_check_image(const void *image, uint32_t n_bytes)
{
    asd_model model;
    return asd_model_load(&model, image, n_bytes);
}

asd_status asd_host_run_image(const void *image, uint32_t n_bytes, void *arena, uint32_t arena_bytes,
                              const int8_t *const *inputs, uint32_t n_columns, asd_host_columns *output,
                              asd_host_columns *tensors)
{
    asd_model model;
    asd_engine engine;
    recording r = {&model, output, tensors};
    asd_status status = asd_model_load(&model, image, n_bytes);
    if (status == ASD_OK) {
        status = asd_engine_start(&engine, &model, arena, arena_bytes, keep_output, &r);
    }
    if (status != ASD_OK) {
        return status;
    }
    engine.tap = tensors != NULL ? keep_tensor : NULL;
    engine.tap_context = &r;
    for (uint32_t column = 0; column < n_columns; column++) {
        for (uint32_t i = 0; i < model.header->n_inputs; i++) {
            const uint32_t column_bytes = asd_column_bytes(&model.tensors[model.header->inputs[i]]);
            memcpy(asd_engine_input(&engine, i), inputs[i] + (size_t)column * column_bytes, column_bytes);
        }
        asd_engine_push(&engine);
    }
    while (asd_engine_tick(&engine)) {
    }
    return ASD_OK;
}

asd_status asd_host_score(const void *image, uint32_t n_bytes, void *arena, uint32_t arena_bytes, uint32_t class_index,
                          const int16_t *samples, uint32_t n_samples, uint32_t chunk_length, int64_t *scores_q16,
                          uint32_t max_scores, uint32_t *n_scores, asd_host_columns *embeddings)
{
    asd_model model;
    asd_detector detector;
    recording r = {&model, embeddings, NULL};
    *n_scores = 0;
    asd_status status = asd_model_load(&model, image, n_bytes);
    if (status == ASD_OK) {
        status = asd_detector_start(&detector, &model, arena, arena_bytes, class_index);
    }
    if (status != ASD_OK) {
        return status;
    }
    detector.on_embedding = embeddings != NULL ? keep_output : NULL;
    detector.context = &r;
    uint32_t n_pushed = 0;
    bool is_ended = false;
    while (status == ASD_OK && !is_ended && *n_scores < max_scores) {
        const uint32_t n_left = n_samples - n_pushed;
        const uint32_t n = chunk_length == 0 || n_left < chunk_length ? n_left : chunk_length;
        uint32_t n_taken = 0;
        bool has_score = false;
        if (n_left > 0) {
            status = asd_detector_push(&detector, samples + n_pushed, n, &n_taken, &has_score);
        } else {
            status = asd_detector_finish(&detector, &has_score);
            is_ended = !has_score;
        }
        n_pushed += n_taken;
        if (status == ASD_OK && has_score) {
            scores_q16[(*n_scores)++] = detector.score_q16;
        }
    }
    return status;
}

uint32_t asd_host_detector_bytes(void)
{
    return (uint32_t)(sizeof(asd_model) + sizeof(asd_detector));
}
