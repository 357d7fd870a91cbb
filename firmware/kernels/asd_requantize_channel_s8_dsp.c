/* Doubled sums of one channel -> its codes: the channel's constants, then the step that fits the layer. */
#include <stddef.h>

#include "asd_kernel_steps_dsp.h"

void asd_requantize_channel_s8_dsp(asd_channel_codes *codes, uint32_t channel, const int32_t *sums, uint32_t n,
                                   int8_t *output)
{
    asd_rescaling *const rescaling = &codes->rescaling;
    const int32_t right = -codes->shifts[channel];
    if ((uint32_t)right - 1u >= codes->most_right) {
        asd_requantize_plainly_s8_dsp(codes, channel, sums, n, output);
        return;
    }
    rescaling->multiplier = codes->multipliers[channel];
    rescaling->right = right;
    rescaling->rounding = codes->rounding * (1 << (right - 1));
    if (codes->slopes != NULL) {
        const int32_t slope = codes->slopes[channel];
        rescaling->slope = 2 * slope;
        rescaling->negative_rounding = codes->negative_rounding - (slope > 0);
    } else if (codes->channel_tables != NULL) {
        rescaling->table = codes->channel_tables + 256u * channel;
    }
    codes->rescale(rescaling, sums, n, output);
}
