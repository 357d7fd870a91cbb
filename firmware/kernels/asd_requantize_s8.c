/* Sums of a convolution -> int8 codes, channel by channel, and the activation after them. */
#include "asd_kernel_steps.h"
#include "asd_requantize.h"

static void rescale_once(const asd_requantization *requantization, uint32_t first_channel, uint32_t n,
                         const int32_t *sums, int8_t *codes)
{
    const int32_t *words = requantization->multipliers + 2u * first_channel;
    for (uint32_t i = 0; i < n; i++, words += 2) {
        const int32_t sum = sums[i] + requantization->bias[first_channel + i];
        const int32_t value = asd_rescale_once_s32(sum, (uint32_t)words[0], (uint32_t)words[1],
                                                   requantization->shifts[first_channel + i]);
        codes[i] = (int8_t)asd_code_s32(value, requantization->zero_point, requantization->low, requantization->high);
    }
}

ASD_VECTOR_CLONES void asd_requantize_s8(const asd_requantization *requantization, uint32_t first_channel, uint32_t n,
                                         const int32_t *sums, int8_t *restrict codes)
{
    const int32_t *bias = requantization->bias + first_channel;
    const int32_t *multipliers = requantization->multipliers + first_channel;
    const int8_t *shifts = requantization->shifts + first_channel;
    const int32_t zero_point = requantization->zero_point, low = requantization->low, high = requantization->high;
    const asd_factor positive = requantization->positive, negative = requantization->negative;
    const int32_t prelu_zero_point = requantization->prelu_zero_point;
    const int8_t *table = requantization->table;
    if (requantization->rounding == ASD_ROUNDING_ONCE) {
        rescale_once(requantization, first_channel, n, sums, codes);
    } else {
        for (uint32_t i = 0; i < n; i++) {
            codes[i] = (int8_t)asd_requantize_s32(sums[i] + bias[i], multipliers[i], shifts[i], zero_point, low, high);
        }
    }
    switch (requantization->activation) {
    case ASD_ACTIVATION_NONE:
        break;
    case ASD_ACTIVATION_PRELU:
        table += first_channel;
        for (uint32_t i = 0; i < n; i++) {
            codes[i] = (int8_t)asd_prelu_s32(codes[i] - zero_point, table[i], positive, negative, prelu_zero_point);
        }
        break;
    case ASD_ACTIVATION_TABLE:
        for (uint32_t i = 0; i < n; i++) {
            codes[i] = table[codes[i] + 128];
        }
        break;
    case ASD_ACTIVATION_CHANNEL_TABLE:
        table += first_channel * 256u;
        for (uint32_t i = 0; i < n; i++, table += 256) {
            codes[i] = table[codes[i] + 128];
        }
        break;
    }
}
