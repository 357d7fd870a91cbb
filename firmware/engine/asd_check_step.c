/* A step's record against the shapes of its tensors: after it, no window, copy or sum leaves a column. */
#include "asd_checks.h"

static uint32_t n_inputs_of(uint32_t op)
{
    return op == ASD_OP_ADD || op == ASD_OP_MUL || op == ASD_OP_MAXIMUM ? 2u : 1u;
}

/* Positions (n_out - 1) * stride - pad .. + kernel - 1 touch the axis, and padding is less than a kernel at both ends.
 */
static bool is_window_axis(uint32_t n_in, uint32_t n_out, uint32_t kernel, uint32_t stride, uint32_t pad)
{
    const int64_t end = (int64_t)(n_out - 1u) * stride + kernel - pad; /* of the last window */
    return kernel > 0 && stride > 0 && pad < kernel && end - (int64_t)n_in < kernel;
}

static bool has_no_window(const asd_image_step *step)
{
    return step->kernel_time == 1 && step->kernel_mel == 1 && step->stride_time == 1 && step->stride_mel == 1;
}

static bool is_same_map(const asd_image_tensor *a, const asd_image_tensor *b)
{
    return a->n_columns == b->n_columns && a->n_mels == b->n_mels;
}

static bool is_time_window(const asd_image_step *step, const asd_image_tensor *in, const asd_image_tensor *out)
{
    if (in->n_columns == 0) {
        return step->kernel_time > 0 && step->stride_time > 0 && step->stride_time <= ASD_MAX_ENDLESS_STRIDE &&
               step->pad_time < step->kernel_time;
    }
    return is_window_axis(in->n_columns, out->n_columns, step->kernel_time, step->stride_time, step->pad_time);
}

static bool is_windowed_step(const asd_image_step *step, const asd_image_tensor *in, const asd_image_tensor *out)
{
    if (step->kernel_time > ASD_MAX_KERNEL_TIME || !is_time_window(step, in, out) ||
        !is_window_axis(in->n_mels, out->n_mels, step->kernel_mel, step->stride_mel, step->pad_mel)) {
        return false;
    }
    if (step->op == ASD_OP_POINTWISE) {
        return step->kernel_time == 1 && step->kernel_mel == 1 && step->stride_mel == 1 && in->n_mels == out->n_mels;
    }
    return step->op == ASD_OP_CONV2D || in->n_channels == out->n_channels;
}

static bool is_accumulating_step(const asd_image_step *step, const asd_image_tensor *in, const asd_image_tensor *out,
                                 uint32_t arena_bytes)
{
    const uint32_t kernel = step->kernel_time, stride = step->stride_time;
    if (kernel == 0 || stride == 0 || step->pad_time != 0 || step->n_accumulators == 0) {
        return false;
    }
    const bool is_endless = in->n_columns == 0;
    if (is_endless ? stride > ASD_MAX_ENDLESS_STRIDE
                   : (out->n_columns - 1u) * (uint64_t)stride + kernel > in->n_columns) {
        return false;
    }
    const uint32_t n_overlapping = (kernel + stride - 1u) / stride;
    const uint32_t n_needed = is_endless || n_overlapping < out->n_columns ? n_overlapping : out->n_columns;
    const uint64_t n_bytes = (uint64_t)step->n_accumulators * asd_column_bytes(out) * 4u;
    if (step->n_accumulators < n_needed || step->accumulators_offset % 4u != 0 ||
        !asd_is_within(step->accumulators_offset, n_bytes, arena_bytes)) {
        return false;
    }
    if (step->op == ASD_OP_ACCUMULATE_MEAN) {
        return in->n_channels == out->n_channels && (out->n_mels == in->n_mels || out->n_mels == 1);
    }
    return is_window_axis(in->n_mels, out->n_mels, step->kernel_mel, step->stride_mel, step->pad_mel) &&
           (step->op == ASD_OP_ACCUMULATE_CONV2D || in->n_channels == out->n_channels);
}

static bool is_concat(const asd_model *model, const asd_image_step *step, const asd_image_tensor *out)
{
    uint32_t n_channels = 0;
    for (uint32_t i = 0; i < step->n_inputs; i++) {
        const asd_image_tensor *const in = &model->tensors[step->inputs[i]];
        if (!is_same_map(in, out)) {
            return false;
        }
        n_channels += in->n_channels;
    }
    return n_channels == out->n_channels;
}

static bool is_pad(const asd_image_step *step, const asd_image_tensor *in, const asd_image_tensor *out)
{
    const bool is_long_enough = in->n_columns == 0 || out->n_columns >= (uint32_t)step->pad_time + in->n_columns;
    return is_long_enough && out->n_mels >= (uint32_t)step->pad_mel + in->n_mels && in->n_channels == out->n_channels;
}

static bool is_reshape(const asd_image_tensor *in, const asd_image_tensor *out)
{
    if (in->n_columns == out->n_columns) {
        return asd_column_bytes(in) == asd_column_bytes(out);
    }
    return (uint64_t)in->n_columns * asd_column_bytes(in) == (uint64_t)out->n_columns * asd_column_bytes(out);
}

/* Shapes of a step that reads one column of each input, the one that it writes. */
static bool is_columnwise_step(const asd_model *model, const asd_image_step *step)
{
    const asd_image_tensor *const in = &model->tensors[step->inputs[0]];
    const asd_image_tensor *const out = &model->tensors[step->output];
    const asd_image_tensor *const last = &model->tensors[step->inputs[step->n_inputs - 1u]];
    if (!has_no_window(step) || (step->op != ASD_OP_PAD && (step->pad_time != 0 || step->pad_mel != 0))) {
        return false;
    }
    switch (step->op) {
    case ASD_OP_MEAN:
        return in->n_columns == out->n_columns && out->n_mels == 1 && in->n_channels == out->n_channels;
    case ASD_OP_CONCAT:
        return is_concat(model, step, out);
    case ASD_OP_PAD:
        return is_pad(step, in, out);
    case ASD_OP_RESHAPE:
        return is_reshape(in, out);
    case ASD_OP_STORE:
        return step->inputs[0] == step->output && out->is_apart != 0;
    default:
        return is_same_map(in, out) && is_same_map(last, out) && in->n_channels == out->n_channels &&
               last->n_channels == out->n_channels;
    }
}

/* Where the step puts its columns. */
static asd_region written_region(const asd_image_tensor *out)
{
    return out->is_apart != 0 ? asd_newest(out) : asd_ring(out);
}

static asd_status check_scratch(const asd_model *model, const asd_image_step *step)
{
    const asd_region scratch = {step->scratch_offset, step->scratch_bytes};
    const asd_image_tensor *const out = &model->tensors[step->output];
    if (scratch.offset % 4u != 0 || !asd_is_within(scratch.offset, scratch.n_bytes, model->header->arena_bytes)) {
        return ASD_ERROR_BOUNDS;
    }
    const bool is_convolution =
        step->op == ASD_OP_CONV2D || step->op == ASD_OP_POINTWISE || step->op == ASD_OP_DEPTHWISE;
    if (is_convolution &&
        scratch.n_bytes < asd_needs_of_layout(step, &model->tensors[step->inputs[0]], out).scratch_bytes) {
        return ASD_ERROR_STEP;
    }
    for (uint32_t i = 0; i < step->n_inputs; i++) {
        const asd_image_tensor *const in = &model->tensors[step->inputs[i]];
        if (asd_overlap(scratch, asd_ring(in)) || asd_overlap(scratch, asd_newest(in))) {
            return ASD_ERROR_OVERLAP;
        }
    }
    return asd_overlap(scratch, written_region(out)) ? ASD_ERROR_OVERLAP : ASD_OK;
}

/* Value by value: such a kernel may write over what it reads. */
static bool may_be_in_place(const asd_image_step *step)
{
    return step->op == ASD_OP_LOOKUP || step->op == ASD_OP_PRELU || step->op == ASD_OP_ADD || step->op == ASD_OP_MUL ||
           step->op == ASD_OP_MAXIMUM || step->op == ASD_OP_STORE;
}

static asd_status check_places(const asd_model *model, const asd_image_step *step)
{
    const asd_region written = written_region(&model->tensors[step->output]);
    for (uint32_t i = 0; i < step->n_inputs && !may_be_in_place(step); i++) {
        const asd_image_tensor *const in = &model->tensors[step->inputs[i]];
        if (asd_overlap(written, asd_ring(in)) || asd_overlap(written, asd_newest(in))) {
            return ASD_ERROR_OVERLAP;
        }
    }
    return check_scratch(model, step);
}

asd_status asd_check_step(const asd_model *model, const asd_image_step *step)
{
    const asd_image_header *const header = model->header;
    if (step->op < ASD_OP_CONV2D || step->op >= ASD_N_OPS) {
        return ASD_ERROR_OPERATOR;
    }
    const bool has_n_inputs = step->op == ASD_OP_CONCAT ? step->n_inputs >= 1 && step->n_inputs <= ASD_MAX_STEP_INPUTS
                                                        : step->n_inputs == n_inputs_of(step->op);
    if (!has_n_inputs || step->output >= header->n_tensors || step->low > step->high || step->delay > ASD_MAX_DELAY) {
        return ASD_ERROR_STEP;
    }
    for (uint32_t i = 0; i < step->n_inputs; i++) {
        if (step->inputs[i] >= header->n_tensors) {
            return ASD_ERROR_STEP;
        }
    }
    const asd_image_tensor *const in = &model->tensors[step->inputs[0]];
    const asd_image_tensor *const out = &model->tensors[step->output];
    const bool is_right = asd_is_windowed(step)       ? is_windowed_step(step, in, out)
                          : asd_is_accumulating(step) ? is_accumulating_step(step, in, out, header->arena_bytes)
                                                      : is_columnwise_step(model, step);
    if (!is_right) {
        return ASD_ERROR_STEP;
    }
    const asd_status status = check_places(model, step);
    return status != ASD_OK ? status : asd_check_constants(model, step);
}
