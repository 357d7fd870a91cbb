/* A tensor's record: its window, and where its columns lie in the arena. */
#include "asd_checks.h"

asd_status asd_check_tensor(const asd_model *model, uint32_t index)
{
    const asd_image_tensor *const tensor = &model->tensors[index];
    const bool is_endless = model->header->is_endless != 0;
    if (tensor->n_mels == 0 || tensor->n_channels == 0 || tensor->depth == 0 || tensor->is_apart > 1 ||
        tensor->n_columns > ASD_MAX_COLUMNS || (tensor->n_columns == 0) != is_endless) {
        return ASD_ERROR_TENSOR;
    }
    const uint64_t stride = ((uint64_t)tensor->n_mels * tensor->n_channels + 3u) & ~UINT64_C(3);
    const uint32_t arena_bytes = model->header->arena_bytes;
    if (tensor->ring_offset % 4u != 0 || !asd_is_within(tensor->ring_offset, stride * tensor->depth, arena_bytes)) {
        return ASD_ERROR_BOUNDS;
    }
    if (tensor->is_apart != 0 &&
        (tensor->newest_offset % 4u != 0 || !asd_is_within(tensor->newest_offset, stride, arena_bytes))) {
        return ASD_ERROR_BOUNDS;
    }
    return ASD_OK;
}
