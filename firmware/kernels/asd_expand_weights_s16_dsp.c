/* The weights of two channels -> int16, pair by pair, in the order of asd_multiply_tiles_s16_dsp. */
#include "asd_kernel_steps_dsp.h"

void asd_expand_weights_s16_dsp(const int8_t *first, const int8_t *second, uint32_t n_taps, int16_t *pairs)
{
    for (uint32_t tap = 0; tap < n_taps; tap++) {
        int16_t *const pair = pairs + (tap / 4u) * 8u + (tap % 2u) * 4u + tap / 2u % 2u; /* of a quad (0, 2), (1, 3) */
        pair[0] = first[tap];
        pair[2] = second[tap];
    }
}
