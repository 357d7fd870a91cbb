/* Integers of the front end -> the graph's int8 codes, an exact half rounded up. DESIGN.md, step 6. */
#include "asd/asd_fixed_point.h"
#include "asd_frontend_steps.h"

#define TIE_SLACK 0x8000

static inline int64_t rounding(const asd_code_scale *scale)
{
    return (INT64_C(1) << (scale->shift - 1)) + TIE_SLACK;
}

/* kept fits int32; shift is at least 32, so the low word of the product only carries */
static inline int8_t code(int32_t kept, int32_t multiplier, int64_t half, int32_t shift_of_high, int32_t zero_point)
{
    const int32_t high = (int32_t)(((int64_t)kept * multiplier + half) >> 32);
    return (int8_t)asd_saturate_s8((high >> shift_of_high) + zero_point);
}

int8_t asd_quantize_input_s8(int64_t value, const asd_code_scale *scale)
{
    const int64_t kept = (value < scale->limit ? value : scale->limit) >> scale->pre_shift;
    return code((int32_t)kept, scale->multiplier, rounding(scale), scale->shift - 32, scale->zero_point);
}

void asd_quantize_log_mel_s8(const int16_t *decibels, const asd_code_scale *scale, int8_t *codes)
{
    const int32_t multiplier = scale->multiplier, shift_of_high = scale->shift - 32, zero_point = scale->zero_point;
    const int64_t half = rounding(scale);
    for (uint32_t band = 0; band < ASD_N_MELS; band++) {
        codes[band] = code(decibels[band], multiplier, half, shift_of_high, zero_point);
    }
}
