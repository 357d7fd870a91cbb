/* What a step reads from the image: weights, factors, tables; and that no sum of theirs exceeds 32 bits. */
#include "asd_checks.h"

#define LARGEST_CODE UINT64_C(255) /* of a code without its zero point */
#define LARGEST_WEIGHT UINT64_C(128)
#define TABLE_BYTES 256u
#define ADD_LEFT_SHIFT 20u
#define SOFTMAX_TABLE_BYTES 1024u
#define MOST_SOFTMAX_CHANNELS 511u
#define LEAST_WIDE_SHIFT 33
#define MOST_WIDE_SHIFT 94

static bool is_in_image(const asd_model *model, uint32_t offset, uint64_t n_bytes, uint32_t alignment)
{
    return offset % alignment == 0 && asd_is_within(offset, n_bytes, model->header->n_bytes);
}

/* A factor of integers up to `largest` in size. */
static bool is_factor(int32_t multiplier, int32_t shift, uint64_t largest)
{
    return multiplier >= 0 && shift >= -31 && shift <= 30 && largest << (shift > 0 ? shift : 0) <= INT32_MAX;
}

static bool is_step_factor(const asd_image_step *step, uint32_t index, uint64_t largest)
{
    return is_factor(step->factors[index], step->factor_shifts[index], largest);
}

static uint32_t table_bytes(const asd_image_step *step, uint32_t n_channels)
{
    switch (step->activation) {
    case ASD_ACTIVATION_PRELU:
        return n_channels;
    case ASD_ACTIVATION_TABLE:
        return TABLE_BYTES;
    case ASD_ACTIVATION_CHANNEL_TABLE:
        return n_channels * TABLE_BYTES;
    default:
        return 0;
    }
}

/* Factors and slopes of a PReLU by itself or after a convolution. */
static bool are_prelu_factors(const asd_image_step *step)
{
    return is_step_factor(step, 0, LARGEST_CODE) && is_step_factor(step, 1, LARGEST_CODE * LARGEST_WEIGHT);
}

/* What channel i is multiplied by: a factor in 31 bits, or a mantissa in 53 and a shift to the right. */
static bool is_rescaling(const asd_model *model, const asd_image_step *step, uint32_t channel)
{
    const int32_t shift = ((const int8_t *)(const void *)(model->image + step->shifts_offset))[channel];
    if (step->rounding == ASD_ROUNDING_ONCE) {
        const uint32_t *const mantissas = (const uint32_t *)(const void *)(model->image + step->multipliers_offset);
        return mantissas[2u * channel + 1u] < UINT32_C(1) << 21 && shift >= LEAST_WIDE_SHIFT &&
               shift <= MOST_WIDE_SHIFT;
    }
    const int32_t *const multipliers = (const int32_t *)(const void *)(model->image + step->multipliers_offset);
    return is_factor(multipliers[channel], shift, 0);
}

static bool are_sums_bounded(const asd_model *model, const asd_image_step *step, uint32_t n_channels, uint64_t n_taps,
                             const asd_layout_needs *needs)
{
    const int32_t *const bias = (const int32_t *)(const void *)(model->image + step->bias_offset);
    for (uint32_t i = 0; i < n_channels; i++) {
        const uint64_t magnitude = bias[i] < 0 ? (uint64_t) - (int64_t)bias[i] : (uint64_t)bias[i];
        if (n_taps * needs->product_limit + magnitude >= needs->sum_limit || !is_rescaling(model, step, i)) {
            return false;
        }
    }
    return true;
}

static asd_status check_convolution(const asd_model *model, const asd_image_step *step, bool is_depthwise)
{
    const uint32_t n_in = model->tensors[step->inputs[0]].n_channels, n_out = model->tensors[step->output].n_channels;
    const uint64_t n_taps = (uint64_t)step->kernel_time * step->kernel_mel * (is_depthwise ? 1u : n_in);
    const asd_layout_needs needs =
        asd_needs_of_layout(step, &model->tensors[step->inputs[0]], &model->tensors[step->output]);
    const uint64_t n_bytes = needs.weights_bytes;
    if (!needs.has_kernel) {
        return ASD_ERROR_CORE;
    }
    if (step->weights_bytes != n_bytes || step->activation > ASD_ACTIVATION_CHANNEL_TABLE ||
        step->rounding > (is_depthwise ? ASD_ROUNDING_TWICE : ASD_ROUNDING_ONCE) ||
        step->table_bytes != table_bytes(step, n_out)) {
        return ASD_ERROR_STEP;
    }
    if (!is_in_image(model, step->weights_offset, n_bytes, 4) ||
        !is_in_image(model, step->bias_offset, n_out * 4u, 4) ||
        !is_in_image(model, step->multipliers_offset, n_out * (step->rounding == ASD_ROUNDING_ONCE ? 8u : 4u), 4) ||
        !is_in_image(model, step->shifts_offset, n_out, 1) ||
        !is_in_image(model, step->table_offset, step->table_bytes, 1)) {
        return ASD_ERROR_BOUNDS;
    }
    const bool is_bounded = are_sums_bounded(model, step, n_out, n_taps, &needs) &&
                            (step->activation != ASD_ACTIVATION_PRELU || are_prelu_factors(step));
    return is_bounded ? ASD_OK : ASD_ERROR_OVERFLOW;
}

/* LOOKUP, PRELU and SOFTMAX: a table of one of two sizes. */
static asd_status check_table(const asd_model *model, const asd_image_step *step, uint32_t n_bytes, uint32_t or_bytes,
                              uint32_t alignment)
{
    if (step->table_bytes != n_bytes && step->table_bytes != or_bytes) {
        return ASD_ERROR_STEP;
    }
    return is_in_image(model, step->table_offset, step->table_bytes, alignment) ? ASD_OK : ASD_ERROR_BOUNDS;
}

/* int32[256], the first of them 2^31 - 1, none negative: so the sum of a row is at least 2^31. */
static asd_status check_softmax(const asd_model *model, const asd_image_step *step, uint32_t n_channels)
{
    const asd_status status = check_table(model, step, SOFTMAX_TABLE_BYTES, SOFTMAX_TABLE_BYTES, 4);
    if (status != ASD_OK) {
        return status;
    }
    const int32_t *const exps = (const int32_t *)(const void *)(model->image + step->table_offset);
    bool is_positive = true;
    for (uint32_t i = 0; i < SOFTMAX_TABLE_BYTES / sizeof *exps; i++) {
        is_positive = is_positive && exps[i] >= 0;
    }
    return is_positive && exps[0] == INT32_MAX && n_channels <= MOST_SOFTMAX_CHANNELS ? ASD_OK : ASD_ERROR_OVERFLOW;
}

/* Sums of n codes, and what they are multiplied by. */
static bool is_mean_bounded(const asd_image_step *step, uint64_t n)
{
    return n * LARGEST_CODE <= INT32_MAX && is_step_factor(step, 0, 0);
}

asd_status asd_check_constants(const asd_model *model, const asd_image_step *step)
{
    const asd_image_tensor *const in = &model->tensors[step->inputs[0]];
    const asd_image_tensor *const out = &model->tensors[step->output];
    const uint64_t largest_shifted = LARGEST_CODE << ADD_LEFT_SHIFT;
    bool is_bounded = true;
    switch (step->op) {
    case ASD_OP_CONV2D:
    case ASD_OP_POINTWISE:
    case ASD_OP_ACCUMULATE_CONV2D:
        return check_convolution(model, step, false);
    case ASD_OP_DEPTHWISE:
    case ASD_OP_ACCUMULATE_DEPTHWISE:
        return check_convolution(model, step, true);
    case ASD_OP_LOOKUP:
        return check_table(model, step, TABLE_BYTES, in->n_channels * TABLE_BYTES, 1);
    case ASD_OP_SOFTMAX:
        return check_softmax(model, step, in->n_channels);
    case ASD_OP_PRELU:
        is_bounded = are_prelu_factors(step);
        break;
    case ASD_OP_ADD:
        is_bounded = is_step_factor(step, 0, largest_shifted) && is_step_factor(step, 1, largest_shifted) &&
                     is_step_factor(step, 2, 0);
        break;
    case ASD_OP_MUL:
        is_bounded = is_step_factor(step, 0, LARGEST_CODE * LARGEST_CODE);
        break;
    case ASD_OP_MEAN:
        is_bounded = is_mean_bounded(step, in->n_mels);
        break;
    case ASD_OP_ACCUMULATE_MEAN:
        is_bounded = is_mean_bounded(step, (uint64_t)step->kernel_time * (out->n_mels == 1 ? in->n_mels : 1u));
        break;
    case ASD_OP_AVERAGE_POOL:
        is_bounded = is_mean_bounded(step, (uint64_t)step->kernel_time * step->kernel_mel);
        break;
    default:
        break;
    }
    if (!is_bounded) {
        return ASD_ERROR_OVERFLOW;
    }
    return step->op == ASD_OP_PRELU ? check_table(model, step, in->n_channels, in->n_channels, 1) : ASD_OK;
}
