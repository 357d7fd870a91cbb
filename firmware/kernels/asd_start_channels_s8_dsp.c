/* What all channels of a layer share on the way from sums to codes, and its table of codes. */
#include <stddef.h>

#include "asd_kernel_steps_dsp.h"
#include "asd_requantize.h"

/* table[q + 128]: what becomes of code q. */
static void fill_table(const asd_requantization *requantization, int8_t *table)
{
    for (int32_t code = -128; code < 128; code++) {
        const int32_t clamped = asd_clamp_s32(code, requantization->low, requantization->high);
        table[code + 128] =
            requantization->activation == ASD_ACTIVATION_TABLE ? requantization->table[clamped + 128] : (int8_t)clamped;
    }
}

/* From the zero point on. */
static void fill_positive_table(const asd_requantization *requantization, int8_t *table)
{
    const asd_factor positive = requantization->positive;
    const int32_t zero_point = requantization->zero_point, prelu_zero_point = requantization->prelu_zero_point;
    for (int32_t code = zero_point; code < 128; code++) {
        const int32_t value = asd_rescale_s32(code - zero_point, positive.multiplier, positive.shift);
        table[code + 128] = (int8_t)asd_code_s32(value, prelu_zero_point, -128, 127);
    }
}

/* Of a PReLU that the fast step can do: its negative side shifts right. */
static bool start_prelu(asd_channel_codes *codes, const asd_requantization *requantization)
{
    const int32_t right = -requantization->negative.shift;
    if (right < 1 || right > ASD_DSP_MOST_RIGHT) {
        return false;
    }
    codes->slopes = requantization->table;
    codes->rescale = asd_rescale_prelu_s8_dsp;
    codes->negative_rounding = (2 * requantization->prelu_zero_point + 1) * (1 << (right - 1));
    codes->rescaling.zero_point = requantization->zero_point;
    codes->rescaling.negative_multiplier = requantization->negative.multiplier;
    codes->rescaling.negative_right = right;
    return true;
}

void asd_start_channels_s8_dsp(asd_channel_codes *codes, const asd_requantization *requantization, uint32_t stride,
                               int8_t *table)
{
    const asd_activation activation = requantization->activation;
    const bool is_clamped = requantization->low > -128 || requantization->high < 127;
    bool is_fast = requantization->rounding == ASD_ROUNDING_TWICE;
    codes->requantization = requantization;
    codes->multipliers = requantization->multipliers;
    codes->shifts = requantization->shifts;
    codes->slopes = NULL;
    codes->channel_tables = NULL;
    codes->rounding = 2 * requantization->zero_point + 1;
    codes->rescale = asd_rescale_table_s8_dsp;
    codes->rescaling.stride = stride;
    codes->rescaling.table = table + 128;
    if (activation == ASD_ACTIVATION_PRELU) {
        is_fast = is_fast && !is_clamped && start_prelu(codes, requantization);
    } else if (activation == ASD_ACTIVATION_CHANNEL_TABLE) {
        is_fast = is_fast && !is_clamped;
        codes->channel_tables = requantization->table + 128;
    } else if (activation == ASD_ACTIVATION_TABLE && !is_clamped) {
        codes->rescaling.table = requantization->table + 128;
    } else if (activation == ASD_ACTIVATION_NONE && !is_clamped) {
        codes->rescale = asd_rescale_sums_s8_dsp;
    }
    codes->most_right = is_fast ? ASD_DSP_MOST_RIGHT : 0;
    if (is_fast && activation == ASD_ACTIVATION_PRELU) {
        fill_positive_table(requantization, table);
    } else if (is_fast && is_clamped) {
        fill_table(requantization, table);
    }
}
