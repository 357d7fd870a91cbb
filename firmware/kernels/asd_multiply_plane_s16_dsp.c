/* One channel's rows times its 3x3 weights: doubled sums with their bias, written over the rows that they have read. */
#include <string.h>

#include "asd_kernel_steps_dsp.h"

void asd_multiply_plane_s16_dsp(int16_t *plane, int32_t doubled_bias, uint32_t n, uint32_t stride, bool is_upper)
{
    const int16_t *const weights = plane + 4u * ASD_DSP_PLANE_WEIGHTS;
    const uint32_t last = is_upper ? 3u : 2u; /* column 2 */
    for (uint32_t i = 0; i < n; i++) {
        const int16_t *const rows = plane + 4u * stride * i;
        int32_t sum = doubled_bias;
        for (uint32_t row = 0; row < 12u; row += 4u) {
            sum += 2 * (rows[row] * weights[row] + rows[row + 1u] * weights[row + 1u]);
            sum += 2 * (rows[row + last] * weights[row + last]);
        }
        memcpy(plane + 4u * i, &sum, sizeof sum);
    }
}
