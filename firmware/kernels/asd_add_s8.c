/* Sum of two columns: each operand rescaled with 20 bits of headroom, then their sum. */
#include "asd_kernel_steps.h"
#include "asd_requantize.h"

#define LEFT_SHIFT 20

static inline int32_t rescale_operand(int32_t code, int32_t zero_point, asd_factor factor)
{
    return asd_rescale_s32((code - zero_point) * (1 << LEFT_SHIFT), factor.multiplier, factor.shift);
}

ASD_VECTOR_CLONES void asd_add_s8(const asd_add_params *params, const int8_t *first, const int8_t *second,
                                  int8_t *output)
{
    const uint32_t n_values = params->n_values;
    const asd_factor first_factor = params->factors[0], second_factor = params->factors[1], factor = params->sum_factor;
    const int32_t first_zero_point = params->input_zero_points[0], second_zero_point = params->input_zero_points[1];
    const int32_t zero_point = params->output_zero_point, low = params->low, high = params->high;
    for (uint32_t i = 0; i < n_values; i++) {
        /* each at most 255 * 2^19 in magnitude where its factor is at most 1/2, as TFLite's are */
        const int32_t x = rescale_operand(first[i], first_zero_point, first_factor);
        const int32_t y = rescale_operand(second[i], second_zero_point, second_factor);
        const int32_t sum = (int32_t)((uint32_t)x + (uint32_t)y);
        output[i] = (int8_t)asd_requantize_s32(sum, factor.multiplier, factor.shift, zero_point, low, high);
    }
}
