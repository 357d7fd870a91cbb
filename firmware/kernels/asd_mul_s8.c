/* Product of two columns. */
#include "asd_kernel_steps.h"
#include "asd_requantize.h"

ASD_VECTOR_CLONES void asd_mul_s8(const asd_mul_params *params, const int8_t *first, const int8_t *second,
                                  int8_t *output)
{
    const uint32_t n_values = params->n_values;
    const asd_factor factor = params->factor;
    const int32_t first_zero_point = params->input_zero_points[0], second_zero_point = params->input_zero_points[1];
    const int32_t zero_point = params->output_zero_point, low = params->low, high = params->high;
    for (uint32_t i = 0; i < n_values; i++) {
        const int32_t product = (first[i] - first_zero_point) * (second[i] - second_zero_point);
        output[i] = (int8_t)asd_requantize_s32(product, factor.multiplier, factor.shift, zero_point, low, high);
    }
}
