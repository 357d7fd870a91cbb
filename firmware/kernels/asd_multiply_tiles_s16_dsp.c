/* Rows times the weights of two channels, doubled sums with their bias. */
#include "asd_kernel_steps_dsp.h"

void asd_multiply_tiles_s16_dsp(const asd_tile_products *products)
{
    const uint32_t n_taps = products->n_taps;
    const int16_t *tile = products->tiles;
    int32_t *sums = products->sums;
    for (uint32_t i = 0; i < products->n_tiles; i++, tile += 4u * n_taps) {
        for (uint32_t row = 0; row < 4u; row++) {
            int32_t first = products->bias[0], second = products->bias[1];
            for (uint32_t pair = 0; pair < n_taps / 2u; pair++) {
                const int16_t *const codes = tile + 8u * pair + 2u * row, *const weights = products->pairs + 4u * pair;
                first += codes[0] * weights[0] + codes[1] * weights[1];
                second += codes[0] * weights[2] + codes[1] * weights[3];
            }
            *sums++ = first;
            *sums++ = second;
        }
    }
}
