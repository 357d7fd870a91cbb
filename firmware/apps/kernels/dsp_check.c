/* What kernel_check calls when it is compiled to check the kernels for cores with the DSP extension: they get scratch
 * of the size that they ask for and weights at a multiple of 4, both at the end of an array. */
#include <string.h>

#include "dsp_check.h"

#define MAX_BYTES 65536u

static int32_t scratch[MAX_BYTES / 4u];
static int32_t weights[MAX_BYTES / 4u];

static void *last_bytes(uint64_t n_bytes)
{
    return (int8_t *)scratch + MAX_BYTES - n_bytes;
}

/* With n_bytes of weights moved. */
static asd_conv2d_params aligned(const asd_conv2d_params *params, uint32_t n_bytes)
{
    asd_conv2d_params moved = *params;
    int8_t *to = (int8_t *)weights + MAX_BYTES - ((n_bytes + 3u) & ~3u);
    memcpy(to, params->weights, n_bytes);
    moved.weights = to;
    return moved;
}

void dsp_check_conv2d(const asd_conv2d_params *params, const int8_t *const *columns, int8_t *output, void *unused)
{
    const uint32_t n_taps = params->kernel_time * params->kernel_mel * params->n_channels_in;
    const asd_conv2d_params moved = aligned(params, params->n_channels_out * asd_dsp_padded_taps(n_taps));
    (void)unused;
    asd_conv2d_s8_dsp(&moved, columns, output, last_bytes(asd_dsp_conv2d_scratch_bytes(params->n_mels_out, n_taps)));
}

void dsp_check_pointwise(const asd_conv2d_params *params, const int8_t *input, int8_t *output, void *unused)
{
    const uint32_t n_taps = params->n_channels_in;
    const asd_conv2d_params moved = aligned(params, params->n_channels_out * asd_dsp_padded_taps(n_taps));
    (void)unused;
    asd_pointwise_s8_dsp(&moved, input, output,
                         last_bytes(asd_dsp_pointwise_scratch_bytes(params->n_mels_out, n_taps)));
}

void dsp_check_depthwise(const asd_conv2d_params *params, const int8_t *const *columns, int8_t *output, void *unused)
{
    const uint32_t n_bytes = params->kernel_time * params->kernel_mel * params->n_channels_in;
    const asd_conv2d_params moved = aligned(params, n_bytes);
    (void)unused;
    asd_depthwise_s8_dsp(&moved, columns, output, last_bytes(ASD_DSP_DEPTHWISE_SCRATCH_BYTES));
}
