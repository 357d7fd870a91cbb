/* The detector's record against the network, the front end's ranges and the scorer's. */
#include "asd_checks.h"

#define N_TAPS 1024u
#define LARGEST_BIAS (INT64_C(1) << 60)

static bool is_code_scale(const asd_image_code_scale *scale)
{
    return scale->multiplier >= INT32_C(1) << 30 && scale->shift >= 32 && scale->shift <= 62 &&
           scale->zero_point >= INT8_MIN && scale->zero_point <= INT8_MAX && scale->pre_shift >= 0 &&
           scale->pre_shift <= 31 && scale->limit >= 0 && scale->limit >> scale->pre_shift <= INT32_MAX;
}

static bool is_in_image(const asd_model *model, uint32_t offset, uint64_t n_bytes)
{
    return offset % 4u == 0 && asd_is_within(offset, n_bytes, model->header->n_bytes);
}

/* One name per class. */
static bool has_labels(const asd_model *model)
{
    const asd_image_detector *const detector = model->detector;
    if (!asd_is_within(detector->labels_offset, detector->labels_bytes, model->header->n_bytes)) {
        return false;
    }
    const uint8_t *const labels = model->image + detector->labels_offset;
    uint32_t n_labels = 0;
    for (uint32_t i = 0; i < detector->labels_bytes; i++) {
        n_labels += labels[i] == 0;
    }
    return n_labels == detector->n_classes && n_labels > 0 && labels[detector->labels_bytes - 1u] == 0;
}

/* Frames of a clip of clip_samples. */
static uint32_t n_frames(const asd_image_detector *detector)
{
    return 1u + detector->clip_samples / ASD_HOP_LENGTH;
}

static bool has_inputs(const asd_model *model)
{
    const asd_image_header *const header = model->header;
    const asd_image_detector *const detector = model->detector;
    const uint32_t log_mel = detector->log_mel_input, fir = detector->fir_input;
    const uint32_t n_read = (log_mel != ASD_NO_INPUT ? 1u : 0u) + (fir != ASD_NO_INPUT ? 1u : 0u);
    if (n_read != header->n_inputs || log_mel == fir) {
        return false;
    }
    if (log_mel != ASD_NO_INPUT &&
        (log_mel >= header->n_inputs ||
         asd_column_bytes(&model->tensors[header->inputs[log_mel]]) != ASD_N_MELS * detector->n_context)) {
        return false;
    }
    if (fir != ASD_NO_INPUT && (fir >= header->n_inputs || detector->fir_high_offset == 0 ||
                                asd_column_bytes(&model->tensors[header->inputs[fir]]) != 1)) {
        return false;
    }
    return is_code_scale(&detector->log_mel_scale) &&
           (detector->fir_high_offset == 0 ||
            (is_in_image(model, detector->fir_high_offset, N_TAPS * 2u) &&
             is_in_image(model, detector->fir_low_offset, N_TAPS * 2u) && is_code_scale(&detector->fir_scale) &&
             detector->fir_bias <= LARGEST_BIAS && detector->fir_bias >= -LARGEST_BIAS));
}

/* Each row has a direction. */
static bool are_rows(const asd_arcface_params *params)
{
    for (uint32_t row_index = 0; row_index < params->n_classes; row_index++) {
        const int16_t *const row = params->rows + row_index * params->embedding_size;
        uint32_t i = 0;
        while (i < params->embedding_size && row[i] == 0) {
            i++;
        }
        if (i == params->embedding_size) {
            return false;
        }
    }
    return true;
}

static bool is_arcface(const asd_model *model)
{
    const asd_image_detector *const detector = model->detector;
    const asd_image_tensor *const output = &model->tensors[model->header->output];
    const uint32_t n_columns = model->tensors[model->header->inputs[0]].n_columns;
    const uint64_t row_bytes = (uint64_t)detector->n_classes * detector->embedding_size * 2u;
    const bool is_windowed = model->header->is_endless == 0;
    const asd_arcface_params params = asd_arcface_of(model);
    return detector->n_context == 1 && asd_is_arcface(&params) &&
           asd_column_bytes(output) == detector->embedding_size &&
           is_in_image(model, detector->rows_offset, row_bytes) && are_rows(&params) &&
           (!is_windowed || (n_columns == n_frames(detector) && output->n_columns == 1));
}

static bool is_delayed(const asd_model *model)
{
    for (uint32_t i = 0; i < model->header->n_steps; i++) {
        if (model->steps[i].delay != 0) {
            return true;
        }
    }
    return false;
}

/* Every vector is a window of the network: one column in, one column out in the same tick, before the next vector. */
static bool is_reconstruction(const asd_model *model)
{
    const asd_image_detector *const detector = model->detector;
    const asd_image_tensor *const output = &model->tensors[model->header->output];
    const uint32_t size = ASD_N_MELS * detector->n_context;
    const asd_reconstruction_params params = asd_reconstruction_of(model);
    return asd_is_reconstruction(&params) && !is_delayed(model) && detector->n_context >= 1 &&
           detector->n_context <= ASD_MAX_CONTEXT && detector->log_mel_input == 0 &&
           detector->fir_input == ASD_NO_INPUT && model->header->is_endless == 0 &&
           model->tensors[model->header->inputs[0]].n_columns == 1 && output->n_columns == 1 &&
           asd_column_bytes(output) == size && n_frames(detector) >= detector->n_context &&
           (uint64_t)(n_frames(detector) - detector->n_context + 1u) * size <= ASD_SCORER_MOST_VALUES;
}

asd_status asd_check_detector(const asd_model *model)
{
    const asd_image_detector *const detector = model->detector;
    const bool is_kind = (detector->kind == ASD_SCORE_ARCFACE && is_arcface(model)) ||
                         (detector->kind == ASD_SCORE_RECONSTRUCTION && is_reconstruction(model));
    const bool is_long_enough = detector->clip_samples > ASD_HOP_LENGTH && detector->clip_samples <= INT32_MAX;
    if (detector->frontend_scratch_offset % 8u != 0 ||
        !asd_is_within(detector->frontend_scratch_offset, (uint32_t)sizeof(asd_frontend_scratch),
                       model->header->arena_bytes)) {
        return ASD_ERROR_BOUNDS;
    }
    return is_long_enough && has_labels(model) && has_inputs(model) && is_kind ? ASD_OK : ASD_ERROR_DETECTOR;
}
