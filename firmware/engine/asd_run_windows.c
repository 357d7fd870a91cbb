/* Steps over several columns: windows at once, or added up as the columns come. */
#include <stddef.h>
#include <string.h>

#include "asd_firing.h"
#include "asd_run_convolution.h"

static asd_conv2d_params conv2d_params(const asd_firing *f)
{
    const asd_image_step *const step = f->step;
    const asd_conv2d_params params = {
        .n_mels_in = f->in->n_mels,
        .n_channels_in = f->in->n_channels,
        .n_mels_out = f->out->n_mels,
        .n_channels_out = f->out->n_channels,
        .kernel_time = step->kernel_time,
        .kernel_mel = step->kernel_mel,
        .stride_mel = step->stride_mel,
        .pad_mel = step->pad_mel,
        .input_zero_point = f->in->zero_point,
        .weights = asd_constants(f, step->weights_offset),
        .requantization =
            {
                .bias = asd_constants(f, step->bias_offset),
                .multipliers = asd_constants(f, step->multipliers_offset),
                .shifts = asd_constants(f, step->shifts_offset),
                .zero_point = step->zero_point,
                .low = step->low,
                .high = step->high,
                .activation = (asd_activation)step->activation,
                .table = asd_constants(f, step->table_offset),
                .positive = asd_step_factor(step, 0),
                .negative = asd_step_factor(step, 1),
                .prelu_zero_point = f->out->zero_point,
                .rounding = (asd_rounding)step->rounding,
            },
    };
    return params;
}

static asd_pool_params pool_params(const asd_firing *f)
{
    const asd_image_step *const step = f->step;
    const asd_pool_params params = {
        .n_mels_in = f->in->n_mels,
        .n_mels_out = f->out->n_mels,
        .n_channels = f->in->n_channels,
        .kernel_time = step->kernel_time,
        .kernel_mel = step->kernel_mel,
        .stride_mel = step->stride_mel,
        .pad_mel = step->pad_mel,
        .low = step->low,
        .high = step->high,
    };
    return params;
}

/* The column as number `time` of a kernel, into its sums; behind the kernel's last column also to the output. */
static void accumulate(const asd_firing *f, uint32_t time, int32_t *sums)
{
    const bool is_last = time == f->step->kernel_time - 1u;
    if (f->step->op == ASD_OP_ACCUMULATE_MEAN) {
        const asd_mean_params params = asd_mean_params_of(f);
        asd_accumulate_mean_s8(&params, f->input, sums);
        if (is_last) {
            asd_finish_mean_s8(&params, sums, f->output);
        }
        return;
    }
    const asd_conv2d_params params = conv2d_params(f);
    const bool is_depthwise = f->step->op == ASD_OP_ACCUMULATE_DEPTHWISE;
    (is_depthwise ? asd_accumulate_depthwise_s8 : asd_accumulate_conv2d_s8)(&params, f->input, time, sums);
    if (is_last) {
        asd_finish_sums_s8(&params, sums, f->output);
    }
}

void asd_run_windowed(const asd_firing *f, const asd_step_state *state)
{
    const asd_image_step *const step = f->step;
    const int8_t *columns[ASD_MAX_KERNEL_TIME];
    const int32_t start = (int32_t)(state->next * step->stride_time) - step->pad_time;
    for (int32_t i = 0; i < step->kernel_time; i++) {
        const int32_t position = start + i;
        const bool is_padding = position < 0 || (f->in->n_columns != 0 && position >= (int32_t)f->in->n_columns);
        columns[i] = is_padding ? NULL : asd_column(f->engine, step->inputs[0], state->first + (uint32_t)position);
    }
    if (step->op == ASD_OP_AVERAGE_POOL || step->op == ASD_OP_MAX_POOL) {
        const asd_pool_params params = pool_params(f);
        (step->op == ASD_OP_MAX_POOL ? asd_max_pool_s8 : asd_average_pool_s8)(&params, columns, f->output);
        return;
    }
    const asd_conv2d_params params = conv2d_params(f);
    asd_run_convolution(step, &params, columns, f->output, f->scratch);
}

bool asd_run_accumulating(const asd_firing *f, const asd_step_state *state)
{
    const asd_image_step *const step = f->step;
    const uint32_t n_sums = asd_column_bytes(f->out), stride = step->stride_time, kernel = step->kernel_time;
    const uint32_t oldest = state->next < kernel ? 0u : (state->next - kernel) / stride + 1u;
    int32_t *const all_sums = (int32_t *)(void *)(f->engine->arena + step->accumulators_offset);
    bool is_complete = false;
    for (uint32_t i = oldest; i <= state->next / stride && (f->out->n_columns == 0 || i < f->out->n_columns); i++) {
        int32_t *const sums = all_sums + (size_t)(i % step->n_accumulators) * n_sums;
        const uint32_t time = state->next - i * stride;
        if (time == 0) {
            memset(sums, 0, n_sums * sizeof *sums);
        }
        accumulate(f, time, sums);
        is_complete = is_complete || time == kernel - 1u;
    }
    return is_complete;
}
