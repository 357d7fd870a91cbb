/* Patches of centred codes times a weight matrix -> output codes: the products of every convolution that mixes
 * channels. */
#include "asd_kernel_steps.h"
#include "asd_requantize.h"

/* The sums of four patches with one channel's weights; |x| <= 255. */
static inline void multiply_four(const int16_t *restrict patches, const int8_t *restrict weights, uint32_t n_taps,
                                 int32_t *restrict sums)
{
    const int16_t *x0 = patches, *x1 = x0 + n_taps, *x2 = x1 + n_taps, *x3 = x2 + n_taps;
    int32_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
    for (uint32_t i = 0; i < n_taps; i++) {
        const int16_t weight = weights[i];
        sum0 += x0[i] * weight;
        sum1 += x1[i] * weight;
        sum2 += x2[i] * weight;
        sum3 += x3[i] * weight;
    }
    sums[0] = sum0;
    sums[ASD_BLOCK_CHANNELS] = sum1;
    sums[2u * ASD_BLOCK_CHANNELS] = sum2;
    sums[3u * ASD_BLOCK_CHANNELS] = sum3;
}

static inline int32_t multiply_one(const int16_t *restrict patch, const int8_t *restrict weights, uint32_t n_taps)
{
    int32_t sum = 0;
    for (uint32_t i = 0; i < n_taps; i++) {
        const int16_t weight = weights[i];
        sum += patch[i] * weight;
    }
    return sum;
}

ASD_VECTOR_CLONES void asd_multiply_patches_s16(const asd_conv2d_params *params, const int16_t *patches, uint32_t n,
                                                uint32_t n_taps, int8_t *output)
{
    const uint32_t n_channels = params->n_channels_out;
    int32_t sums[ASD_PATCHES * ASD_BLOCK_CHANNELS];
    for (uint32_t first = 0; first < n_channels; first += ASD_BLOCK_CHANNELS) {
        const uint32_t n_block = n_channels - first < ASD_BLOCK_CHANNELS ? n_channels - first : ASD_BLOCK_CHANNELS;
        const int8_t *weights = params->weights + first * n_taps;
        for (uint32_t i = 0; i < n_block; i++, weights += n_taps) {
            if (n == ASD_PATCHES) {
                multiply_four(patches, weights, n_taps, sums + i);
                continue;
            }
            for (uint32_t patch = 0; patch < n; patch++) {
                sums[patch * ASD_BLOCK_CHANNELS + i] = multiply_one(patches + patch * n_taps, weights, n_taps);
            }
        }
        for (uint32_t patch = 0; patch < n; patch++) {
            asd_requantize_s8(&params->requantization, first, n_block, sums + patch * ASD_BLOCK_CHANNELS,
                              output + patch * n_channels + first);
        }
    }
}
