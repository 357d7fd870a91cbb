/* A step's record -> the parameters of its kernel -> one column. */
#include <stddef.h>
#include <string.h>

#include "asd_firing.h"

#if defined(ASD_WITH_DSP)
#include "asd_kernels_dsp.h"
#endif

static void run_add(const asd_firing *f, const int8_t *second)
{
    const asd_image_step *const step = f->step;
    const asd_add_params params = {
        .n_values = asd_column_bytes(f->out),
        .factors = {asd_step_factor(step, 0), asd_step_factor(step, 1)},
        .sum_factor = asd_step_factor(step, 2),
        .input_zero_points = {f->in->zero_point, f->engine->model->tensors[step->inputs[1]].zero_point},
        .output_zero_point = f->out->zero_point,
        .low = step->low,
        .high = step->high,
    };
#if defined(ASD_WITH_DSP)
    asd_add_s8_dsp(&params, f->input, second, f->output);
#else
    asd_add_s8(&params, f->input, second, f->output);
#endif
}

static void run_mul(const asd_firing *f, const int8_t *second)
{
    const asd_image_step *const step = f->step;
    const asd_mul_params params = {
        .n_values = asd_column_bytes(f->out),
        .factor = asd_step_factor(step, 0),
        .input_zero_points = {f->in->zero_point, f->engine->model->tensors[step->inputs[1]].zero_point},
        .output_zero_point = f->out->zero_point,
        .low = step->low,
        .high = step->high,
    };
    asd_mul_s8(&params, f->input, second, f->output);
}

static void run_lookup(const asd_firing *f)
{
    const asd_lookup_params params = {
        .n_mels = f->out->n_mels,
        .n_channels = f->out->n_channels,
        .n_tables = f->step->table_bytes / 256u,
        .table = asd_constants(f, f->step->table_offset),
    };
    asd_lookup_s8(&params, f->input, f->output);
}

static void run_prelu(const asd_firing *f)
{
    const asd_prelu_params params = {
        .n_mels = f->out->n_mels,
        .n_channels = f->out->n_channels,
        .slopes = asd_constants(f, f->step->table_offset),
        .positive = asd_step_factor(f->step, 0),
        .negative = asd_step_factor(f->step, 1),
        .input_zero_point = f->in->zero_point,
        .output_zero_point = f->out->zero_point,
    };
    asd_prelu_s8(&params, f->input, f->output);
}

static void run_concat(const asd_firing *f, const asd_step_state *state)
{
    const asd_image_step *const step = f->step;
    asd_concat_params params = {.n_mels = f->out->n_mels, .n_inputs = step->n_inputs};
    const int8_t *columns[ASD_MAX_STEP_INPUTS];
    for (uint32_t i = 0; i < step->n_inputs; i++) {
        params.n_channels[i] = f->engine->model->tensors[step->inputs[i]].n_channels;
        columns[i] = asd_column(f->engine, step->inputs[i], state->first + state->next);
    }
    asd_concat_s8(&params, columns, f->output);
}

static void run_pad(const asd_firing *f, const asd_step_state *state)
{
    const asd_image_step *const step = f->step;
    const uint32_t position = state->next - step->pad_time;
    memset(f->output, f->in->zero_point, asd_column_bytes(f->out));
    if (state->next >= step->pad_time && (f->in->n_columns == 0 || position < f->in->n_columns)) {
        memmove(f->output + (uint32_t)step->pad_mel * f->in->n_channels,
                asd_column(f->engine, step->inputs[0], state->first + position), asd_column_bytes(f->in));
    }
}

/* The values in their order, cut into columns of another size. */
static void run_reshape(const asd_firing *f, const asd_step_state *state)
{
    const uint32_t in_bytes = asd_column_bytes(f->in), out_bytes = asd_column_bytes(f->out);
    const uint64_t start =
        f->in->n_columns == f->out->n_columns ? (uint64_t)state->next * in_bytes : (uint64_t)state->next * out_bytes;
    uint32_t column = (uint32_t)(start / in_bytes), offset = (uint32_t)(start % in_bytes);
    for (uint32_t n_done = 0; n_done < out_bytes; column++, offset = 0) {
        const uint32_t n_left = out_bytes - n_done, n_there = in_bytes - offset;
        const uint32_t n = n_left < n_there ? n_left : n_there;
        memmove(f->output + n_done, asd_column(f->engine, f->step->inputs[0], state->first + column) + offset, n);
        n_done += n;
    }
}

static void run_mean(const asd_firing *f)
{
    const asd_mean_params params = asd_mean_params_of(f);
    asd_mean_s8(&params, f->input, f->output);
}

static void run_softmax(const asd_firing *f)
{
    const asd_softmax_params params = {
        .n_mels = f->out->n_mels,
        .n_channels = f->out->n_channels,
        .exps = asd_constants(f, f->step->table_offset),
    };
    asd_softmax_s8(&params, f->input, f->output);
}

bool asd_run_step(const asd_engine *engine, const asd_image_step *step, const asd_step_state *state)
{
    const asd_image_tensor *const tensors = engine->model->tensors;
    asd_firing f = {
        .engine = engine,
        .step = step,
        .in = &tensors[step->inputs[0]],
        .out = &tensors[step->output],
        .input = NULL,
        .output = asd_next_column(engine, step->output),
        .scratch = engine->arena + step->scratch_offset,
    };
    if (asd_is_windowed(step)) {
        asd_run_windowed(&f, state);
        return true;
    }
    const uint32_t running = state->first + state->next;
    f.input = asd_column(engine, step->inputs[0], running);
    if (asd_is_accumulating(step)) {
        return asd_run_accumulating(&f, state);
    }
    switch (step->op) {
    case ASD_OP_LOOKUP:
        run_lookup(&f);
        break;
    case ASD_OP_PRELU:
        run_prelu(&f);
        break;
    case ASD_OP_ADD:
        run_add(&f, asd_column(engine, step->inputs[1], running));
        break;
    case ASD_OP_MUL:
        run_mul(&f, asd_column(engine, step->inputs[1], running));
        break;
    case ASD_OP_MAXIMUM:
        asd_maximum_s8(asd_column_bytes(f.out), f.input, asd_column(engine, step->inputs[1], running), f.output);
        break;
    case ASD_OP_CONCAT:
        run_concat(&f, state);
        break;
    case ASD_OP_PAD:
        run_pad(&f, state);
        break;
    case ASD_OP_RESHAPE:
        run_reshape(&f, state);
        break;
    case ASD_OP_MEAN:
        run_mean(&f);
        break;
    case ASD_OP_SOFTMAX:
        run_softmax(&f);
        break;
    default: /* the loader lets no other one pass */
        break;
    }
    return true;
}
