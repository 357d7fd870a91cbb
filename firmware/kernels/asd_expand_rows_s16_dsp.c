/* Four rows of codes at a time -> doubled int16 without zero point, in the order of asd_multiply_tiles_s16_dsp. */
#include "asd_kernel_steps_dsp.h"

void asd_expand_rows_s16_dsp(const int8_t *rows, uint32_t n_taps, int32_t zero_point, uint32_t n_tiles, int16_t *tiles)
{
    for (uint32_t tile = 0; tile < n_tiles; tile++) {
        for (uint32_t tap = 0; tap < n_taps; tap++) {
            /* of a quad (0, 2), (1, 3); of each pair row by row */
            const uint32_t place = (tap / 4u) * 16u + (tap % 2u) * 8u + tap / 2u % 2u;
            for (uint32_t row = 0; row < 4u; row++) {
                tiles[place + 2u * row] = (int16_t)(2 * (rows[row * n_taps + tap] - zero_point));
            }
        }
        rows += 4u * n_taps;
        tiles += 4u * n_taps;
    }
}
