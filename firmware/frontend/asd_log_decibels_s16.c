/* Mel sums -> decibels in 1/256: position of the highest one, a table of 129 values, linear between. DESIGN.md, step 5.
 */
#include "asd/asd_fixed_point.h"
#include "asd_frontend_steps.h"
#include "asd_frontend_tables.h"

void asd_log_decibels_s16(const uint64_t *mel, int16_t *decibels)
{
    const int32_t octave = asd_log_octave[0];
    for (uint32_t band = 0; band < ASD_N_MELS; band++) {
        const uint64_t value = mel[band] + asd_log_offsets[band]; /* 2^21 <= value < 2^62 */
        const uint32_t high = (uint32_t)(value >> 32), low = (uint32_t)value;
        uint32_t fraction; /* Q32: what follows the highest one */
        int32_t exponent;
        if (high != 0) {
            const uint32_t zeros = asd_leading_zeros_u32(high); /* 2..31 */
            fraction = ((high << zeros) | (low >> (32u - zeros))) << 1;
            exponent = 63 - (int32_t)zeros;
            fraction |= (low << zeros) >> 31;
        } else {
            const uint32_t zeros = asd_leading_zeros_u32(low); /* 0..10 */
            fraction = (low << zeros) << 1;
            exponent = 31 - (int32_t)zeros;
        }
        const int32_t *const segment = &asd_log_curve[fraction >> 25];
        const uint32_t rise = (uint32_t)(segment[1] - segment[0]);
        const int32_t curve = segment[0] + (int32_t)(((uint64_t)rise * (uint32_t)(fraction << 7)) >> 32);
        decibels[band] = (int16_t)((asd_band_levels[band] + exponent * octave + curve) >> ASD_LOG_BITS);
    }
}
