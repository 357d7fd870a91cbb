/* Doubled sums of one channel -> what a table has for their codes. */
#include "asd_rescale_dsp.h"

void asd_rescale_table_s8_dsp(const asd_rescaling *rescaling, const int32_t *sums, uint32_t n, int8_t *output)
{
    for (uint32_t i = 0; i < n; i++) {
        output[i * rescaling->stride] = rescaling->table[asd_rescale_code_dsp(sums[2u * i], rescaling)];
    }
}
