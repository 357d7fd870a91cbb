/* DFT of 512 complex points -> power of bins 1..511 of the 1024 real samples, in place, 64 bits. DESIGN.md, step 3. */
#include "asd/asd_fixed_point.h"
#include "asd_frontend_steps.h"
#include "asd_frontend_tables.h"

static inline uint64_t power(int32_t re, int32_t im)
{
    return (uint64_t)((int64_t)re * re + (int64_t)im * im);
}

void asd_split_power_s32(asd_frontend_scratch *scratch)
{
    const int32_t *split = asd_split_q31;
    for (uint32_t k = 1; k < ASD_N_COMPLEX / 2u; k++, split += 2) {
        const asd_complex_s32 low = scratch->spectrum.points[k];
        const asd_complex_s32 high = scratch->spectrum.points[ASD_N_COMPLEX - k];
        const int32_t sum_re = (low.re + high.re) >> 1, sum_im = (low.im - high.im) >> 1;
        const int32_t difference_re = low.re - high.re, difference_im = low.im + high.im;
        const int32_t turned_re = asd_mulh_sub_s32(asd_mulh_s32(difference_im, split[0]), difference_re, split[1]);
        const int32_t turned_im = asd_mulh_add_s32(asd_mulh_s32(difference_re, split[0]), difference_im, split[1]);
        scratch->spectrum.power[k] = power(sum_re + turned_re, sum_im - turned_im);
        scratch->spectrum.power[ASD_N_COMPLEX - k] = power(sum_re - turned_re, sum_im + turned_im);
    }
    const asd_complex_s32 middle = scratch->spectrum.points[ASD_N_COMPLEX / 2u];
    scratch->spectrum.power[ASD_N_COMPLEX / 2u] = power(middle.re, middle.im);
}
