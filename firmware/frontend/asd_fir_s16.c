/* One frame and the Wavegram's 1024 taps -> relu(bias + frame . taps), exact in 64 bits. DESIGN.md, step 7. */
#include <stddef.h>

#include "asd_frontend_steps.h"

#define BLOCK 16u

int64_t asd_fir_s16(const asd_fir_taps *fir, const int16_t *old_half, const int16_t *new_half, uint32_t n_new)
{
    const int16_t *const high = fir->high + ASD_HOP_LENGTH, *const low = fir->low + ASD_HOP_LENGTH;
    const uint32_t n_in_blocks = n_new - n_new % BLOCK;
    asd_fir_sums sums = {0, 0};
    if (old_half != NULL) {
        asd_fir_sums_s16(&sums, old_half, fir->high, fir->low, ASD_HOP_LENGTH);
    }
    if (n_in_blocks > 0) {
        asd_fir_sums_s16(&sums, new_half, high, low, n_in_blocks);
    }
    for (uint32_t i = n_in_blocks; i < n_new; i++) {
        sums.high += (int32_t)new_half[i] * high[i];
        sums.low += (int32_t)new_half[i] * low[i];
    }
    const int64_t filtered = sums.high * 65536 + sums.low + fir->bias;
    return filtered > 0 ? filtered : 0;
}
