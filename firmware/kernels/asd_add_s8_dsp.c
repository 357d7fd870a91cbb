/* asd_add_s8 for cores with the DSP extension, where one operand has the larger scale: its factor is 1/2 then. */
#include "asd_kernel_steps_dsp.h"

static bool is_half(asd_factor factor)
{
    return factor.multiplier == 1 << 30 && factor.shift == 0;
}

static bool shifts_right(asd_factor factor)
{
    return factor.shift < 0 && factor.shift >= -ASD_DSP_MOST_RIGHT;
}

void asd_add_s8_dsp(const asd_add_params *params, const int8_t *first, const int8_t *second, int8_t *output)
{
    const uint32_t half = is_half(params->factors[0]) ? 0u : 1u;
    const asd_factor other = params->factors[1u - half], sum = params->sum_factor;
    const bool is_clamped = params->low > -128 || params->high < 127;
    if (is_clamped || !is_half(params->factors[half]) || !shifts_right(other) || !shifts_right(sum)) {
        asd_add_s8(params, first, second, output);
        return;
    }
    const asd_add_constants constants = {
        -params->input_zero_points[1u - half] * (1 << 21),
        other.multiplier,
        1 << (-other.shift - 1),
        -other.shift,
        -params->input_zero_points[half] * (1 << 20),
        sum.multiplier,
        (2 * params->output_zero_point + 1) * (1 << (-sum.shift - 1)),
        -sum.shift,
    };
    asd_add_codes_s8_dsp(&constants, half == 0 ? first : second, half == 0 ? second : first, params->n_values, output);
}
