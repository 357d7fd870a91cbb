/* Steps in an order in which they can run, and parts of the arena that must keep what was written there. */
#include <stddef.h>

#include "asd_checks.h"

static bool is_input(const asd_model *model, uint32_t tensor)
{
    for (uint32_t i = 0; i < model->header->n_inputs; i++) {
        if (model->header->inputs[i] == tensor) {
            return true;
        }
    }
    return false;
}

static bool is_written_before(const asd_model *model, uint32_t tensor, uint32_t n_steps)
{
    for (uint32_t i = 0; i < n_steps; i++) {
        if (model->steps[i].op != ASD_OP_STORE && model->steps[i].output == tensor) {
            return true;
        }
    }
    return is_input(model, tensor);
}

/* Each tensor has one writer, which stands before every reader: so the steps of one tick come to an end. */
static asd_status check_order(const asd_model *model)
{
    for (uint32_t i = 0; i < model->header->n_steps; i++) {
        const asd_image_step *const step = &model->steps[i];
        for (uint32_t input = 0; input < step->n_inputs; input++) {
            if (!is_written_before(model, step->inputs[input], i)) {
                return ASD_ERROR_STEP;
            }
        }
        if (step->op != ASD_OP_STORE && is_written_before(model, step->output, i)) {
            return ASD_ERROR_STEP;
        }
    }
    const uint32_t output = model->header->output;
    return is_input(model, output) || !is_written_before(model, output, model->header->n_steps) ? ASD_ERROR_STEP
                                                                                                : ASD_OK;
}

/* Nothing where the image is a network alone. */
static asd_region frontend_scratch(const asd_model *model)
{
    const asd_image_detector *const detector = model->detector;
    const asd_region scratch = {detector == NULL ? 0u : detector->frontend_scratch_offset,
                                detector == NULL ? 0u : (uint32_t)sizeof(asd_frontend_scratch)};
    return scratch;
}

/* `own`: the step whose accumulators the region is, or NULL. */
static bool is_shared(const asd_model *model, asd_region region, const asd_image_step *own)
{
    const asd_image_header *const header = model->header;
    for (uint32_t i = 0; i < header->n_tensors; i++) {
        const asd_image_tensor *const tensor = &model->tensors[i];
        if (asd_overlap(region, asd_ring(tensor)) || asd_overlap(region, asd_newest(tensor))) {
            return true;
        }
    }
    if (asd_overlap(region, frontend_scratch(model))) {
        return true;
    }
    for (uint32_t i = 0; i < header->n_steps; i++) {
        const asd_image_step *const step = &model->steps[i];
        const asd_region scratch = {step->scratch_offset, step->scratch_bytes};
        if (asd_overlap(region, scratch) ||
            (step != own && asd_is_accumulating(step) && asd_overlap(region, asd_accumulators(model, step)))) {
            return true;
        }
    }
    return false;
}

/* The counters, so that no index leaves its range, and the sums, so that none overflows. */
static asd_status check_overlaps(const asd_model *model)
{
    const asd_image_header *const header = model->header;
    const asd_region tensor_states = {header->tensor_states_offset,
                                      header->n_tensors * (uint32_t)sizeof(asd_tensor_state)};
    const asd_region step_states = {header->step_states_offset, header->n_steps * (uint32_t)sizeof(asd_step_state)};
    if (asd_overlap(tensor_states, step_states) || is_shared(model, tensor_states, NULL) ||
        is_shared(model, step_states, NULL)) {
        return ASD_ERROR_OVERLAP;
    }
    for (uint32_t i = 0; i < header->n_steps; i++) {
        const asd_image_step *const step = &model->steps[i];
        if (!asd_is_accumulating(step)) {
            continue;
        }
        const asd_region sums = asd_accumulators(model, step);
        if (asd_overlap(sums, tensor_states) || asd_overlap(sums, step_states) || is_shared(model, sums, step)) {
            return ASD_ERROR_OVERLAP;
        }
    }
    return ASD_OK;
}

asd_status asd_check_plan(const asd_model *model)
{
    const asd_status status = check_order(model);
    return status != ASD_OK ? status : check_overlaps(model);
}
