/* Samples times the two halves of their taps, added to two sums of 64 bits. DESIGN.md, step 7. */
#include "asd/asd_fixed_point.h"
#include "asd_frontend_steps.h"

void asd_fir_sums_s16(asd_fir_sums *sums, const int16_t *samples, const int16_t *high, const int16_t *low,
                      uint32_t n_samples)
{
    int64_t high_sum = 0, low_sum = 0;
    for (uint32_t i = 0; i < n_samples; i++) {
        high_sum += (int32_t)samples[i] * high[i];
        low_sum += (int32_t)samples[i] * low[i];
    }
    sums->high += high_sum;
    sums->low += low_sum;
}
