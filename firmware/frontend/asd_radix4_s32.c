/* 64 DFTs of 8 points -> one of 512: radix-4 passes that divide by 4 with the twiddle. DESIGN.md, step 2. */
#include "asd/asd_fixed_point.h"
#include "asd_frontend_steps.h"
#include "asd_frontend_tables.h"

#define QUARTER_Q31 0x40000000

/* point * (cos - i sin) / 4 */
static inline asd_complex_s32 turn(asd_complex_s32 point, int32_t cos_q30, int32_t sin_q30)
{
    return (asd_complex_s32){
        asd_mulh_add_s32(asd_mulh_s32(point.re, cos_q30), point.im, sin_q30),
        asd_mulh_sub_s32(asd_mulh_s32(point.im, cos_q30), point.re, sin_q30),
    };
}

static inline void butterfly(asd_complex_s32 *points, uint32_t span, const int32_t *twiddle)
{
    const asd_complex_s32 x2 = turn(points[2u * span], twiddle[2], twiddle[3]);
    const asd_complex_s32 x0 = points[0];
    const int32_t sum_re = asd_mulh_add_s32(x2.re, x0.re, QUARTER_Q31);
    const int32_t sum_im = asd_mulh_add_s32(x2.im, x0.im, QUARTER_Q31);
    const int32_t difference_re = sum_re - 2 * x2.re, difference_im = sum_im - 2 * x2.im;
    const asd_complex_s32 x1 = turn(points[span], twiddle[0], twiddle[1]);
    const asd_complex_s32 x3 = turn(points[3u * span], twiddle[4], twiddle[5]);
    const int32_t odd_re = x1.re + x3.re, odd_im = x1.im + x3.im;
    const int32_t turned_re = x1.re - x3.re, turned_im = x1.im - x3.im;
    points[0] = (asd_complex_s32){sum_re + odd_re, sum_im + odd_im};
    points[span] = (asd_complex_s32){difference_re + turned_im, difference_im - turned_re};
    points[2u * span] = (asd_complex_s32){sum_re - odd_re, sum_im - odd_im};
    points[3u * span] = (asd_complex_s32){difference_re - turned_im, difference_im + turned_re};
}

static inline void pass(asd_complex_s32 *spectrum, uint32_t span, const int32_t *twiddle)
{
    for (uint32_t k = 0; k < span; k++, twiddle += 6) {
        for (uint32_t first = k; first < ASD_N_COMPLEX; first += 4u * span) {
            butterfly(spectrum + first, span, twiddle);
        }
    }
}

void asd_radix4_s32(asd_complex_s32 *spectrum)
{
    pass(spectrum, 8, asd_twiddles_8_q30);
    pass(spectrum, 32, asd_twiddles_32_q30);
    pass(spectrum, 128, asd_twiddles_128_q30);
}
