/* Where the columns of a tensor lie in the arena. FORMAT.md, "Where a column lies". */
#ifndef ASD_COLUMNS_H
#define ASD_COLUMNS_H

#include "asd_checks.h"

static inline uint32_t asd_next_slot(const asd_image_tensor *tensor, uint32_t slot)
{
    return slot + 1u < tensor->depth ? slot + 1u : 0u;
}

static inline int8_t *asd_slot(const asd_engine *engine, const asd_image_tensor *tensor, uint32_t slot)
{
    return (int8_t *)engine->arena + tensor->ring_offset + slot * asd_column_stride(tensor);
}

/* Room for the column after the newest. */
static inline int8_t *asd_next_column(const asd_engine *engine, uint32_t index)
{
    const asd_image_tensor *const tensor = &engine->model->tensors[index];
    if (tensor->is_apart != 0) {
        return (int8_t *)engine->arena + tensor->newest_offset;
    }
    return asd_slot(engine, tensor, asd_next_slot(tensor, engine->tensors[index].slot));
}

/* The column with this running index. One that the ring no longer has gives another one, never something else. */
static inline const int8_t *asd_column(const asd_engine *engine, uint32_t index, uint32_t running)
{
    const asd_image_tensor *const tensor = &engine->model->tensors[index];
    const asd_tensor_state *const state = &engine->tensors[index];
    uint32_t age = state->n_stored - 1u - running;
    if (age > UINT32_MAX / 2u) { /* not stored yet */
        if (tensor->is_apart != 0) {
            return (const int8_t *)engine->arena + tensor->newest_offset;
        }
        age = 0;
    }
    if (age >= tensor->depth) {
        age %= tensor->depth;
    }
    return asd_slot(engine, tensor, state->slot >= age ? state->slot - age : state->slot + tensor->depth - age);
}

/* The output column `next` of the step's window, or for an accumulating step the next input column. True: `output` was
 * written whole. */
bool asd_run_step(const asd_engine *engine, const asd_image_step *step, const asd_step_state *state);

#endif
