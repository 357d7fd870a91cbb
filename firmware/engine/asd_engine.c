/* Which step computes a column when: ticks and passes of FORMAT.md, "Execution". */
#include "asd/asd_engine.h"

#include <string.h>

#include "asd_columns.h"
#include "asd_marks.h"

#define STEP_OF_INPUTS 0xFFFFFFFFu
#define ENDLESS_PERIOD 65536u /* output columns after which an endless step counts from the beginning again */

/* Of the window, the newest input column that output column `next` needs; before 0 where it needs only padding. */
static int32_t newest_needed(const asd_image_step *step, const asd_image_tensor *in, const asd_image_tensor *out,
                             uint32_t next)
{
    int32_t needed = (int32_t)next;
    if (asd_is_windowed(step)) {
        needed = (int32_t)(next * step->stride_time) + step->kernel_time - 1 - step->pad_time;
    } else if (step->op == ASD_OP_PAD) {
        needed = (int32_t)next - step->pad_time;
    } else if (step->op == ASD_OP_RESHAPE && in->n_columns != out->n_columns) {
        needed = INT32_MAX;
    }
    const int32_t last = (int32_t)in->n_columns - 1;
    return last >= 0 && needed > last ? last : needed;
}

static bool is_ready(const asd_engine *engine, const asd_image_step *step, const asd_step_state *state)
{
    if (step->op == ASD_OP_STORE) {
        const asd_tensor_state *const stored = &engine->tensors[step->output];
        return stored->n_produced != stored->n_stored;
    }
    const asd_image_tensor *const tensors = engine->model->tensors;
    const uint32_t needed =
        state->first + (uint32_t)newest_needed(step, &tensors[step->inputs[0]], &tensors[step->output], state->next);
    for (uint32_t i = 0; i < step->n_inputs; i++) {
        const uint32_t n_beyond = engine->tensors[step->inputs[i]].n_produced - needed;
        if (n_beyond == 0 || n_beyond > UINT32_MAX / 2u) {
            return false;
        }
    }
    return true;
}

/* A column was written to asd_next_column. */
static void add_column(const asd_engine *engine, uint32_t step, uint32_t index)
{
    const asd_image_tensor *const tensor = &engine->model->tensors[index];
    asd_tensor_state *const state = &engine->tensors[index];
    const int8_t *const column = asd_next_column(engine, index);
    if (tensor->is_apart == 0) {
        state->slot = asd_next_slot(tensor, state->slot);
        state->n_stored++;
    }
    state->n_produced++;
#ifdef ASD_TAP
    if (engine->tap != NULL) {
        engine->tap(engine->tap_context, step, index, state->n_produced - 1u, column);
    }
#else
    (void)step;
#endif
    if (index == engine->model->header->output) {
        asd_mark(ASD_MARK_SCORER);
        engine->on_output(engine->context, column);
        asd_mark(ASD_MARK_SCHEDULER);
    }
}

static void store(const asd_engine *engine, uint32_t index)
{
    const asd_image_tensor *const tensor = &engine->model->tensors[index];
    asd_tensor_state *const state = &engine->tensors[index];
    state->slot = asd_next_slot(tensor, state->slot);
    memmove(asd_slot(engine, tensor, state->slot), engine->arena + tensor->newest_offset, asd_column_bytes(tensor));
    state->n_stored++;
}

/* On to the next column; behind the last of a window to the next window. */
static void advance(const asd_engine *engine, const asd_image_step *step, asd_step_state *state)
{
    const asd_image_tensor *const in = &engine->model->tensors[step->inputs[0]];
    const bool is_accumulating = asd_is_accumulating(step);
    state->next++;
    if (in->n_columns != 0) {
        if (state->next == (is_accumulating ? in : &engine->model->tensors[step->output])->n_columns) {
            state->next = 0;
            state->first += in->n_columns;
        }
        return;
    }
    const uint32_t period = is_accumulating ? (uint32_t)step->stride_time * step->n_accumulators : ENDLESS_PERIOD;
    if (state->next >= period + (is_accumulating ? step->kernel_time : ENDLESS_PERIOD)) {
        state->next -= period;
        state->first += is_accumulating ? period : period * step->stride_time;
    }
}

static void fire(const asd_engine *engine, uint32_t index)
{
    const asd_image_step *const step = &engine->model->steps[index];
    asd_step_state *const state = &engine->steps[index];
    asd_mark(ASD_MARK_STEPS + index);
    if (step->op == ASD_OP_STORE) {
        store(engine, step->output);
        asd_mark(ASD_MARK_SCHEDULER);
        return;
    }
    const bool is_complete = asd_run_step(engine, step, state);
    asd_mark(ASD_MARK_SCHEDULER);
    if (is_complete) {
        add_column(engine, index, step->output);
    }
    advance(engine, step, state);
}

/* True where a step fired. */
static bool run_pass(const asd_engine *engine)
{
    const asd_model *const model = engine->model;
    bool has_fired = false;
    for (uint32_t i = 0; i < model->header->n_steps; i++) {
        const asd_image_step *const step = &model->steps[i];
        asd_step_state *const state = &engine->steps[i];
        if (state->is_armed == 0 && is_ready(engine, step, state)) {
            state->is_armed = 1;
            state->wait = step->delay;
        }
        if (state->is_armed != 0 && state->wait == 0) {
            fire(engine, i);
            state->is_armed = 0;
            has_fired = true;
        }
    }
    return has_fired;
}

asd_status asd_engine_start(asd_engine *engine, const asd_model *model, void *arena, uint32_t arena_bytes,
                            asd_output_fn on_output, void *context)
{
    const asd_image_header *const header = model->header;
    if (arena_bytes < header->arena_bytes || (uintptr_t)arena % ASD_IMAGE_ALIGNMENT != 0) {
        return ASD_ERROR_ARENA;
    }
    engine->model = model;
    engine->arena = arena;
    engine->tensors = (asd_tensor_state *)(void *)(engine->arena + header->tensor_states_offset);
    engine->steps = (asd_step_state *)(void *)(engine->arena + header->step_states_offset);
    engine->on_output = on_output;
    engine->context = context;
#ifdef ASD_TAP
    engine->tap = NULL;
    engine->tap_context = NULL;
#endif
    memset(engine->arena, 0, header->arena_bytes);
    for (uint32_t i = 0; i < header->n_tensors; i++) {
        engine->tensors[i].slot = model->tensors[i].depth - 1u;
    }
    return ASD_OK;
}

int8_t *asd_engine_input(asd_engine *engine, uint32_t index)
{
    return asd_next_column(engine, engine->model->header->inputs[index]);
}

void asd_engine_push(asd_engine *engine)
{
    for (uint32_t i = 0; i < engine->model->header->n_inputs; i++) {
        add_column(engine, STEP_OF_INPUTS, engine->model->header->inputs[i]);
    }
    asd_engine_tick(engine);
}

bool asd_engine_tick(asd_engine *engine)
{
    const uint32_t n_steps = engine->model->header->n_steps;
    bool is_under_way = false;
    for (uint32_t i = 0; i < n_steps; i++) {
        asd_step_state *const state = &engine->steps[i];
        state->wait = (uint16_t)(state->wait - (state->is_armed != 0 && state->wait > 0));
    }
    while (run_pass(engine)) {
        is_under_way = true;
    }
    for (uint32_t i = 0; i < n_steps; i++) {
        is_under_way = is_under_way || engine->steps[i].is_armed != 0;
    }
    return is_under_way;
}
