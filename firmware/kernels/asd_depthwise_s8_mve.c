/* asd_depthwise_s8 on weights that are packed for MVE, [channel][mel][time], in plain C. */
#include <stdbool.h>
#include <stddef.h>

#include "asd_kernel_steps.h"
#include "asd_kernels_mve.h"
#include "asd_requantize.h"

static int32_t sum_window(const asd_conv2d_params *params, const int8_t *const *columns, uint32_t start,
                          uint32_t channel)
{
    const int8_t *weights = params->weights + channel * params->kernel_mel * params->kernel_time;
    const asd_kernel_rows rows = asd_rows_on_map(start, params->kernel_mel, params->pad_mel, params->n_mels_in);
    int32_t sum = 0;
    for (uint32_t mel = 0; mel < params->kernel_mel; mel++) {
        const bool is_on_map = mel >= rows.first && mel < rows.first + rows.n;
        for (uint32_t time = 0; time < params->kernel_time; time++, weights++) {
            const int32_t code = is_on_map && columns[time] != NULL
                                     ? columns[time][(start + mel - params->pad_mel) * params->n_channels_out + channel]
                                     : params->input_zero_point;
            sum += code * *weights;
        }
    }
    return sum;
}

void asd_depthwise_s8_mve(const asd_conv2d_params *params, const int8_t *const *columns, int8_t *output, void *scratch)
{
    (void)scratch;
    for (uint32_t row = 0; row < params->n_mels_out; row++, output += params->n_channels_out) {
        for (uint32_t channel = 0; channel < params->n_channels_out; channel++) {
            const int32_t sum = sum_window(params, columns, row * params->stride_mel, channel);
            asd_requantize_s8(&params->requantization, channel, 1, &sum, output + channel);
        }
    }
}
