/* 1024 int16 samples as 512 complex points -> 64 windowed 8-point DFTs, each an eighth, in Q31. DESIGN.md, step 1. */
#include "asd/asd_fixed_point.h"
#include "asd_frontend_steps.h"
#include "asd_frontend_tables.h"

typedef struct {
    asd_complex_s32 at0, at1, at2, at3;
} dft4;

static inline asd_complex_s32 add(asd_complex_s32 a, asd_complex_s32 b)
{
    return (asd_complex_s32){a.re + b.re, a.im + b.im};
}

static inline asd_complex_s32 subtract(asd_complex_s32 a, asd_complex_s32 b)
{
    return (asd_complex_s32){a.re - b.re, a.im - b.im};
}

static inline asd_complex_s32 windowed(const int16_t *samples, const int32_t *window)
{
    const int32_t pair = asd_load_pair_s16(samples);
    return (asd_complex_s32){asd_mul_first_s16(pair, window[0]), asd_mul_second_s16(pair, window[1])};
}

static inline dft4 transform4(asd_complex_s32 x0, asd_complex_s32 x1, asd_complex_s32 x2, asd_complex_s32 x3)
{
    const asd_complex_s32 sum02 = add(x0, x2), difference02 = subtract(x0, x2);
    const asd_complex_s32 sum13 = add(x1, x3), difference13 = subtract(x1, x3);
    return (dft4){
        add(sum02, sum13),
        {difference02.re + difference13.im, difference02.im - difference13.re},
        subtract(sum02, sum13),
        {difference02.re - difference13.im, difference02.im + difference13.re},
    };
}

/* first and second = even plus and minus odd / sqrt(2), whose Q31 product is a half and counts twice */
static inline void store_turned(asd_complex_s32 even, int32_t odd_re, int32_t odd_im, asd_complex_s32 *first,
                                asd_complex_s32 *second)
{
    const int32_t re = asd_mulh_s32(odd_re, ASD_INV_SQRT2_Q31), im = asd_mulh_s32(odd_im, ASD_INV_SQRT2_Q31);
    first->re = even.re + 2 * re;
    first->im = even.im + 2 * im;
    second->re = even.re - 2 * re;
    second->im = even.im - 2 * im;
}

void asd_window_radix8_s16(const int16_t *old_half, const int16_t *new_half, asd_complex_s32 *spectrum)
{
    const int32_t *window = asd_window_q29;
    for (uint32_t block = 0; block < 64u; block++, window += 16, spectrum += 8) {
        const uint32_t first = (block >> 4) | (block & 12u) | ((block & 3u) << 4); /* digits to base 4, reversed */
        const int16_t *old_samples = old_half + 2u * first;
        const int16_t *new_samples = new_half + 2u * first;
        const dft4 odd = transform4(windowed(old_samples + 128, window + 2), windowed(old_samples + 384, window + 6),
                                    windowed(new_samples + 128, window + 10), windowed(new_samples + 384, window + 14));
        const dft4 even = transform4(windowed(old_samples, window), windowed(old_samples + 256, window + 4),
                                     windowed(new_samples, window + 8), windowed(new_samples + 256, window + 12));
        spectrum[0] = add(even.at0, odd.at0);
        spectrum[4] = subtract(even.at0, odd.at0);
        store_turned(even.at1, odd.at1.re + odd.at1.im, odd.at1.im - odd.at1.re, &spectrum[1], &spectrum[5]);
        spectrum[2] = (asd_complex_s32){even.at2.re + odd.at2.im, even.at2.im - odd.at2.re};
        spectrum[6] = (asd_complex_s32){even.at2.re - odd.at2.im, even.at2.im + odd.at2.re};
        store_turned(even.at3, odd.at3.im - odd.at3.re, -odd.at3.re - odd.at3.im, &spectrum[3], &spectrum[7]);
    }
}
