/* One frame and the Wavegram's 1024 taps -> relu(bias + frame . taps), exact in 64 bits. DESIGN.md, step 7. */
#include <stddef.h>

#include "asd/asd_fixed_point.h"
#include "asd_frontend_steps.h"

typedef struct {
    int64_t high;
    int64_t low;
} sums;

static inline sums add_samples(sums so_far, const int16_t *samples, const int16_t *high, const int16_t *low, uint32_t n)
{
    const uint32_t n_fours = n & ~3u;
    for (uint32_t i = 0; i < n_fours; i += 4u) {
        const int32_t pair = asd_load_pair_s16(samples + i), next = asd_load_pair_s16(samples + i + 2);
        so_far.high = asd_dual_multiply_add_s16(so_far.high, pair, asd_load_pair_s16(high + i));
        so_far.low = asd_dual_multiply_add_s16(so_far.low, pair, asd_load_pair_s16(low + i));
        so_far.high = asd_dual_multiply_add_s16(so_far.high, next, asd_load_pair_s16(high + i + 2));
        so_far.low = asd_dual_multiply_add_s16(so_far.low, next, asd_load_pair_s16(low + i + 2));
    }
    for (uint32_t rest = 0; rest < (n & 3u); rest++) {
        so_far.high += (int32_t)samples[n_fours + rest] * high[n_fours + rest];
        so_far.low += (int32_t)samples[n_fours + rest] * low[n_fours + rest];
    }
    return so_far;
}

int64_t asd_fir_s16(const asd_fir_taps *fir, const int16_t *old_half, const int16_t *new_half, uint32_t n_new)
{
    sums total = {0, 0};
    if (old_half != NULL) {
        total = add_samples(total, old_half, fir->high, fir->low, ASD_HOP_LENGTH);
    }
    total = add_samples(total, new_half, fir->high + ASD_HOP_LENGTH, fir->low + ASD_HOP_LENGTH, n_new);
    const int64_t filtered = total.high * 65536 + total.low + fir->bias;
    return filtered > 0 ? filtered : 0;
}
