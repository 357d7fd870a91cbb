/* Doubled sums of one channel -> its codes, where the shift or the activation is one that the fast steps don't do. */
#include "asd_kernel_steps_dsp.h"
#include "asd_requantize.h"

void asd_requantize_plainly_s8_dsp(const asd_channel_codes *codes, uint32_t channel, const int32_t *sums, uint32_t n,
                                   int8_t *output)
{
    for (uint32_t i = 0; i < n; i++) {
        const int32_t sum = sums[2u * i] / 2 - codes->requantization->bias[channel];
        asd_requantize_s8(codes->requantization, channel, 1, &sum, output + i * codes->rescaling.stride);
    }
}
