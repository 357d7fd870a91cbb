/* Codes of two columns -> those of their sum, by constants of the layer. */
#include "asd/asd_fixed_point.h"
#include "asd_kernel_steps_dsp.h"

void asd_add_codes_s8_dsp(const asd_add_constants *constants, const int8_t *first, const int8_t *second, uint32_t n,
                          int8_t *output)
{
    for (uint32_t i = 0; i < n; i++) {
        const int32_t x = constants->second_offset + second[i] * (1 << 21);
        const int32_t y = asd_mulh_add_s32(constants->second_rounding + (x >> 31), x, constants->second_multiplier) >>
                          constants->second_right;
        const int32_t sum = constants->sum_offset + 2 * (y + first[i] * (1 << 19));
        const int32_t high = asd_mulh_add_s32(constants->rounding + (sum >> 31), sum, constants->multiplier);
        output[i] = (int8_t)asd_saturate_s8(high >> constants->right);
    }
}
