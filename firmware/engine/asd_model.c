/* Bytes -> a model that can be run in place, or the reason why not. Everything that the engine and the kernels index,
 * follow or shift by is checked here, once. */
#include <stddef.h>

#include "asd_checks.h"

/* Whose kernels are linked: those of a board's core; on a host the same in plain C. */
static bool is_own_core(uint32_t core)
{
#if defined(ASD_WITH_DSP)
    if (core == ASD_CORE_DSP) {
        return true;
    }
#endif
#if defined(ASD_WITH_MVE)
    if (core == ASD_CORE_MVE) {
        return true;
    }
#endif
    return core == ASD_CORE_GENERIC;
}

static asd_status check_bytes(const uint8_t *image, uint32_t n_bytes)
{
    const asd_image_header *const header = (const asd_image_header *)(const void *)image;
    if ((uintptr_t)image % ASD_IMAGE_ALIGNMENT != 0 || n_bytes < sizeof *header || header->magic != ASD_IMAGE_MAGIC) {
        return ASD_ERROR_NOT_AN_IMAGE;
    }
    if (header->version != ASD_IMAGE_VERSION) {
        return ASD_ERROR_VERSION;
    }
    if (!is_own_core(header->core)) {
        return ASD_ERROR_CORE;
    }
    if (header->n_bytes < sizeof *header || header->n_bytes > n_bytes) {
        return ASD_ERROR_TRUNCATED;
    }
    return asd_image_crc32(image, header->n_bytes) == header->crc32 ? ASD_OK : ASD_ERROR_CHECKSUM;
}

static bool is_table(const asd_image_header *header, uint32_t offset, uint64_t n_bytes)
{
    return offset % ASD_IMAGE_ALIGNMENT == 0 && asd_is_within(offset, n_bytes, header->n_bytes);
}

static bool is_state(const asd_image_header *header, uint32_t offset, uint64_t n_bytes)
{
    return offset % 4u == 0 && asd_is_within(offset, n_bytes, header->arena_bytes);
}

static asd_status check_header(const asd_image_header *header)
{
    const uint64_t n_tensors = header->n_tensors, n_steps = header->n_steps;
    if (n_tensors == 0 || n_tensors > ASD_MAX_RECORDS || n_steps == 0 || n_steps > ASD_MAX_RECORDS ||
        header->n_inputs == 0 || header->n_inputs > ASD_MAX_INPUTS || header->is_endless > 1 ||
        header->output >= n_tensors) {
        return ASD_ERROR_BOUNDS;
    }
    for (uint32_t i = 0; i < header->n_inputs; i++) {
        if (header->inputs[i] >= n_tensors || (i > 0 && header->inputs[i] == header->inputs[0])) {
            return ASD_ERROR_BOUNDS;
        }
    }
    const bool is_within =
        is_table(header, header->tensors_offset, n_tensors * sizeof(asd_image_tensor)) &&
        is_table(header, header->steps_offset, n_steps * sizeof(asd_image_step)) &&
        asd_is_within(header->names_offset, header->names_bytes, header->n_bytes) &&
        (header->detector_offset == 0 || is_table(header, header->detector_offset, sizeof(asd_image_detector))) &&
        is_state(header, header->tensor_states_offset, n_tensors * sizeof(asd_tensor_state)) &&
        is_state(header, header->step_states_offset, n_steps * sizeof(asd_step_state));
    return is_within ? ASD_OK : ASD_ERROR_BOUNDS;
}

/* As many as there are tensors and steps. */
static asd_status check_names(const asd_model *model)
{
    const asd_image_header *const header = model->header;
    uint32_t n_names = 0;
    for (uint32_t i = 0; i < header->names_bytes; i++) {
        n_names += model->image[header->names_offset + i] == 0;
    }
    const bool is_ended = header->names_bytes > 0 && model->image[header->names_offset + header->names_bytes - 1] == 0;
    return is_ended && n_names == (uint32_t)header->n_tensors + header->n_steps ? ASD_OK : ASD_ERROR_BOUNDS;
}

static asd_status check_records(const asd_model *model)
{
    const asd_image_header *const header = model->header;
    asd_status status = check_names(model);
    for (uint32_t i = 0; status == ASD_OK && i < header->n_tensors; i++) {
        status = asd_check_tensor(model, i);
    }
    for (uint32_t i = 0; status == ASD_OK && i < header->n_inputs; i++) {
        const bool is_as_long =
            model->tensors[header->inputs[i]].n_columns == model->tensors[header->inputs[0]].n_columns;
        status = is_as_long ? ASD_OK : ASD_ERROR_TENSOR;
    }
    for (uint32_t i = 0; status == ASD_OK && i < header->n_steps; i++) {
        status = asd_check_step(model, &model->steps[i]);
    }
    status = status == ASD_OK ? asd_check_plan(model) : status;
    return status == ASD_OK && model->detector != NULL ? asd_check_detector(model) : status;
}

asd_status asd_model_load(asd_model *model, const void *image, uint32_t n_bytes)
{
    const uint8_t *const bytes = image;
    const asd_image_header *const header = image;
    asd_status status = check_bytes(bytes, n_bytes);
    status = status == ASD_OK ? check_header(header) : status;
    if (status != ASD_OK) {
        return status;
    }
    model->image = bytes;
    model->header = header;
    model->tensors = (const asd_image_tensor *)(const void *)(bytes + header->tensors_offset);
    model->steps = (const asd_image_step *)(const void *)(bytes + header->steps_offset);
    model->detector = header->detector_offset == 0
                          ? NULL
                          : (const asd_image_detector *)(const void *)(bytes + header->detector_offset);
    return check_records(model);
}
