/* Samples -> frames -> columns -> network -> score, one clip behind the other or sliding. */
#include "asd/asd_detector.h"

#include <stddef.h>
#include <string.h>

#include "asd_checks.h"
#include "asd_frontend_steps.h"
#include "asd_marks.h"

static bool is_endless(const asd_detector *detector)
{
    return detector->engine.model->header->is_endless != 0;
}

static const asd_image_detector *record(const asd_detector *detector)
{
    return detector->engine.model->detector;
}

static void finish_score(asd_detector *detector, asd_status status)
{
    detector->status = status;
    detector->has_score = true;
}

/* The network has an embedding, or the reconstruction of the vector that went in. */
static void take_output(void *context, const int8_t *column)
{
    asd_detector *const detector = context;
    if (detector->on_embedding != NULL) {
        detector->on_embedding(detector->context, column);
    }
    if (record(detector)->kind == ASD_SCORE_ARCFACE) {
        int32_t score = 0;
        finish_score(detector, asd_arcface_log_odds_s8(&detector->arcface, column, detector->class_index, &score));
        detector->score_q16 = score;
        return;
    }
    const uint32_t n_context = record(detector)->n_context;
    const asd_status status =
        asd_reconstruction_add_s8(&detector->errors, &detector->reconstruction,
                                  detector->recent[ASD_MAX_CONTEXT - n_context], column, n_context * ASD_N_MELS);
    detector->status = detector->status == ASD_OK ? status : detector->status;
}

/* A frame of the front end goes into the network, behind the ones before it where the network takes several at once. */
static void take_frame(asd_detector *detector)
{
    const asd_image_detector *const image = record(detector);
    const bool is_reconstruction = image->kind == ASD_SCORE_RECONSTRUCTION;
    detector->n_frames++;
    if (is_reconstruction) {
        memmove(detector->recent[0], detector->recent[1], sizeof detector->recent - sizeof detector->recent[0]);
        memcpy(detector->recent[ASD_MAX_CONTEXT - 1u], detector->frame.log_mel, sizeof detector->recent[0]);
        if (detector->n_frames < image->n_context) {
            return;
        }
    }
    if (image->log_mel_input != ASD_NO_INPUT) {
        int8_t *const codes = asd_engine_input(&detector->engine, image->log_mel_input);
        if (is_reconstruction) {
            for (uint32_t i = 0; i < image->n_context; i++) {
                asd_quantize_log_mel_s8(detector->recent[ASD_MAX_CONTEXT - image->n_context + i],
                                        &detector->frontend_params.log_mel_scale, codes + i * ASD_N_MELS);
            }
        } else {
            memcpy(codes, detector->frame.log_mel_codes, ASD_N_MELS);
        }
    }
    if (image->fir_input != ASD_NO_INPUT) {
        *asd_engine_input(&detector->engine, image->fir_input) = detector->frame.fir_code;
    }
    asd_mark(ASD_MARK_SCHEDULER);
    asd_engine_push(&detector->engine);
    asd_mark(ASD_MARK_FRONTEND);
}

static void start_window(asd_detector *detector)
{
    asd_frontend_start(&detector->frontend);
    detector->n_samples = 0;
    detector->n_frames = 0;
    if (record(detector)->kind == ASD_SCORE_RECONSTRUCTION) {
        detector->errors.sum = 0;
        detector->errors.n_values = 0;
    }
}

/* The last sample of a window is in: its last frame, with the reflected end. */
static void end_window(asd_detector *detector)
{
    if (asd_frontend_finish(&detector->frontend, detector->scratch, &detector->frontend_params, &detector->frame) ==
        ASD_OK) {
        take_frame(detector);
    }
    if (record(detector)->kind == ASD_SCORE_RECONSTRUCTION) {
        const asd_status status = asd_reconstruction_finish(&detector->errors, &detector->score_q16);
        finish_score(detector, detector->status == ASD_OK ? status : detector->status);
    }
    start_window(detector);
}

/* The newest score, once. */
static asd_status hand_out(asd_detector *detector, bool *has_score)
{
    *has_score = detector->has_score;
    detector->has_score = false;
    const asd_status status = *has_score ? detector->status : ASD_OK;
    detector->status = ASD_OK;
    return status;
}

static asd_code_scale code_scale(const asd_image_code_scale *scale)
{
    const asd_code_scale result = {
        .limit = scale->limit,
        .multiplier = scale->multiplier,
        .shift = scale->shift,
        .zero_point = scale->zero_point,
        .pre_shift = scale->pre_shift,
    };
    return result;
}

static void start_frontend(asd_detector *detector, const asd_model *model)
{
    const asd_image_detector *const image = model->detector;
    detector->scratch = (asd_frontend_scratch *)(void *)(detector->engine.arena + image->frontend_scratch_offset);
    detector->frontend_params.log_mel_scale = code_scale(&image->log_mel_scale);
    if (image->fir_high_offset != 0) {
        detector->fir.high = (const int16_t *)(const void *)(model->image + image->fir_high_offset);
        detector->fir.low = (const int16_t *)(const void *)(model->image + image->fir_low_offset);
        detector->fir.bias = image->fir_bias;
        detector->frontend_params.fir_scale = code_scale(&image->fir_scale);
        detector->frontend_params.fir = &detector->fir;
    }
}

/* Its parameters were checked when the image was loaded. */
static asd_status start_scorer(asd_detector *detector, const asd_model *model)
{
    if (model->detector->kind == ASD_SCORE_RECONSTRUCTION) {
        detector->reconstruction = asd_reconstruction_of(model);
        return asd_reconstruction_start(&detector->errors, &detector->reconstruction);
    }
    detector->arcface = asd_arcface_of(model);
    return detector->class_index < detector->arcface.n_classes ? ASD_OK : ASD_ERROR_ARGUMENT;
}

asd_status asd_detector_start(asd_detector *detector, const asd_model *model, void *arena, uint32_t arena_bytes,
                              uint32_t class_index)
{
    if (model->detector == NULL) {
        return ASD_ERROR_NO_DETECTOR;
    }
    memset(detector, 0, sizeof *detector);
    detector->class_index = class_index;
    asd_status status = asd_engine_start(&detector->engine, model, arena, arena_bytes, take_output, detector);
    if (status != ASD_OK) {
        return status;
    }
    start_frontend(detector, model);
    status = start_scorer(detector, model);
    start_window(detector);
    return status;
}

asd_status asd_detector_push(asd_detector *detector, const int16_t *samples, uint32_t n_samples, uint32_t *n_taken,
                             bool *has_score)
{
    *n_taken = 0;
    while (*n_taken < n_samples && !detector->has_score) {
        const uint32_t n_left = n_samples - *n_taken,
                       n_of_window = record(detector)->clip_samples - detector->n_samples;
        const uint32_t n = is_endless(detector) || n_left < n_of_window ? n_left : n_of_window;
        uint32_t n_new = 0;
        bool has_frame = false;
        asd_frontend_push(&detector->frontend, detector->scratch, &detector->frontend_params, samples + *n_taken, n,
                          &detector->frame, &n_new, &has_frame);
        *n_taken += n_new;
        detector->n_samples += n_new;
        if (has_frame) {
            take_frame(detector);
        }
        if (!is_endless(detector) && detector->n_samples == record(detector)->clip_samples) {
            end_window(detector);
        }
    }
    return hand_out(detector, has_score);
}

asd_status asd_detector_finish(asd_detector *detector, bool *has_score)
{
    while (!detector->has_score && asd_engine_tick(&detector->engine)) {
    }
    return hand_out(detector, has_score);
}
