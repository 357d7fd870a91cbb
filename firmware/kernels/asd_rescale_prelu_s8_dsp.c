/* Doubled sums of one channel -> codes after PReLU: from the zero point on by table, below it by the channel's slope.
 */
#include "asd_rescale_dsp.h"

void asd_rescale_prelu_s8_dsp(const asd_rescaling *rescaling, const int32_t *sums, uint32_t n, int8_t *output)
{
    for (uint32_t i = 0; i < n; i++) {
        const int32_t code = asd_rescale_code_dsp(sums[2u * i], rescaling), x = code - rescaling->zero_point;
        const int32_t high =
            asd_mulh_add_s32(rescaling->negative_rounding, x * rescaling->slope, rescaling->negative_multiplier);
        output[i * rescaling->stride] =
            x >= 0 ? rescaling->table[code] : (int8_t)asd_saturate_s8(high >> rescaling->negative_right);
    }
}
