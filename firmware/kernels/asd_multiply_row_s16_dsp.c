/* One row in quad order times the weights of two channels: the sums, neither doubled nor with bias. */
#include "asd_kernel_steps_dsp.h"

void asd_multiply_row_s16_dsp(const int16_t *row, const int8_t *first, const int8_t *second, uint32_t n_taps,
                              int32_t *sums)
{
    sums[0] = 0;
    sums[1] = 0;
    for (uint32_t tap = 0; tap < n_taps; tap++) {
        const int16_t code = row[(tap & ~3u) + (tap % 2u) * 2u + tap / 2u % 2u]; /* of a quad 0, 2, 1, 3 */
        sums[0] += code * first[tap];
        sums[1] += code * second[tap];
    }
}
