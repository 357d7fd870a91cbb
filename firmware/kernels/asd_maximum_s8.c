/* The greater of two codes of one scale and zero point. */
#include "asd_kernels.h"

void asd_maximum_s8(uint32_t n_values, const int8_t *first, const int8_t *second, int8_t *output)
{
    for (uint32_t i = 0; i < n_values; i++) {
        output[i] = first[i] > second[i] ? first[i] : second[i];
    }
}
