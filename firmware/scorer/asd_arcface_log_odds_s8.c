/* int8 embedding and int16 head rows -> ArcFace log-odds against the claimed class, Q16. Formulas: DESIGN.md. */
#include <stdbool.h>

#include "asd/asd_scorer.h"

#define ONE_Q31 (UINT32_C(1) << 31)
#define LOG2_E_Q30 UINT32_C(1549082005)
#define LN_2_Q30 INT64_C(744261118)

/* 1 - 2^-f = f (c1 - f (c2 - f (c3 - f (c4 - f c5)))) within 2.2e-7 for f in 0..1, Q31 */
#define N_POWERS 5
static const uint32_t power_q31[N_POWERS] = {1488521729u, 515857119u, 118988976u, 20066583u, 2155280u};

/* sqrt of a value = root / 2^shift */
typedef struct {
    uint32_t root; /* 2^31..2^32 - 1 */
    uint32_t shift;
} square_root;

/* log of a sum of exponentials = greatest + log(sum) */
typedef struct {
    int32_t greatest; /* exponent, Q23 */
    uint64_t sum;     /* Q31, 1..n_classes - 1 */
} exponential_sum;

/* value > 0 */
static square_root square_root_u64(uint64_t value)
{
    square_root result = {0, 0};
    uint64_t rest = value, root = 0;
    while (rest < UINT64_C(1) << 62) {
        rest <<= 2;
        result.shift++;
    }
    for (uint64_t bit = UINT64_C(1) << 62; bit != 0; bit >>= 2) {
        const bool is_set = rest >= root + bit;
        rest -= is_set ? root + bit : 0;
        root = (root >> 1) + (is_set ? bit : 0);
    }
    result.root = (uint32_t)root;
    return result;
}

/* exp(-decay), Q23 -> Q31 */
static uint32_t exponential(uint32_t decay)
{
    const uint64_t octaves = (uint64_t)decay * LOG2_E_Q30; /* Q53 */
    const uint32_t fraction = (uint32_t)(octaves >> 21);   /* Q32, the whole octaves shifted out above it */
    const uint32_t whole = (uint32_t)(octaves >> 53);
    uint32_t fall = power_q31[N_POWERS - 1];
    for (uint32_t i = N_POWERS - 1; i-- > 0;) {
        fall = power_q31[i] - (uint32_t)(((uint64_t)fraction * fall) >> 32);
    }
    fall = (uint32_t)(((uint64_t)fraction * fall) >> 32);
    return whole < 32 ? (ONE_Q31 - fall) >> whole : 0;
}

static void add_exponential(exponential_sum *sum, int32_t logit)
{
    if (logit <= sum->greatest) {
        sum->sum += exponential((uint32_t)sum->greatest - (uint32_t)logit);
        return;
    }
    const uint32_t fall = exponential((uint32_t)logit - (uint32_t)sum->greatest);
    sum->sum = ONE_Q31 + (((sum->sum >> 32) * fall) << 1) + (((sum->sum & UINT32_MAX) * fall) >> 31);
    sum->greatest = logit;
}

/* log of a sum of at least 1, Q31 -> Q23: the position of the highest one, then a bit per squaring */
static int64_t logarithm(uint64_t sum)
{
    int64_t octaves = 0;
    while (sum >= UINT64_C(1) << 32) {
        sum >>= 1;
        octaves++;
    }
    for (uint32_t bit = 0; bit < 24; bit++) {
        const uint64_t square = sum * sum; /* Q62, 1..4 */
        const uint32_t is_set = (uint32_t)(square >> 63);
        sum = square >> (31u + is_set);
        octaves = 2 * octaves + (int64_t)is_set;
    }
    return (octaves * LN_2_Q30) >> 31;
}

/* magnitude / length rounded, Q30; magnitude <= length */
static int32_t ratio(uint64_t magnitude_q30, uint32_t length)
{
    return (int32_t)((magnitude_q30 + length / 2u) / length);
}

/* phi, Q30; rest = squares - dot^2 */
static int64_t margin_cosine(const asd_arcface_params *params, int32_t cosine, uint64_t rest, square_root lengths)
{
    if (cosine <= params->threshold) {
        return (int64_t)cosine - params->shortfall;
    }
    int32_t sine = 0;
    if (rest != 0) {
        const square_root side = square_root_u64(rest);
        sine = ratio(((uint64_t)side.root << 30) >> (side.shift - lengths.shift), lengths.root);
    }
    const int64_t product = (int64_t)cosine * params->cos_margin - (int64_t)sine * params->sin_margin; /* Q60 */
    return (product + (1 << 29)) >> 30;
}

asd_status asd_arcface_log_odds_s8(const asd_arcface_params *params, const int8_t *embedding, uint32_t class_index,
                                   int32_t *log_odds_q16)
{
    if (!asd_is_arcface(params) || class_index >= params->n_classes) {
        return ASD_ERROR_ARGUMENT;
    }
    const uint32_t size = params->embedding_size;
    uint32_t embedding_square = 0;
    for (uint32_t i = 0; i < size; i++) {
        const int32_t value = embedding[i] - params->zero_point;
        embedding_square += (uint32_t)(value * value);
    }
    if (embedding_square == 0) {
        return ASD_ERROR_NO_SCORE;
    }
    exponential_sum others = {INT32_MIN, 0};
    int64_t true_logit = 0;
    for (uint32_t row_index = 0; row_index < params->n_classes; row_index++) {
        const int16_t *const row = params->rows + row_index * size;
        int64_t dot = 0;
        uint64_t row_square = 0;
        for (uint32_t i = 0; i < size; i++) {
            dot += (embedding[i] - params->zero_point) * row[i];
            row_square += (uint32_t)(row[i] * row[i]);
        }
        if (row_square == 0) {
            return ASD_ERROR_ARGUMENT;
        }
        const uint64_t squares = embedding_square * row_square; /* below 2^64, and dot^2 isn't above it */
        const square_root lengths = square_root_u64(squares);
        const uint64_t magnitude = (uint64_t)(dot < 0 ? -dot : dot);
        const int32_t cosine_magnitude = ratio((magnitude << lengths.shift) << 30, lengths.root);
        const int32_t cosine = dot < 0 ? -cosine_magnitude : cosine_magnitude;
        if (row_index == class_index) {
            const int64_t phi = margin_cosine(params, cosine, squares - magnitude * magnitude, lengths);
            true_logit = (phi * params->scale_q16 + (1 << 22)) >> 23; /* Q23 */
        } else {
            add_exponential(&others, (int32_t)(((int64_t)cosine * params->scale_q16 + (1 << 22)) >> 23));
        }
    }
    const int64_t log_odds = others.greatest + logarithm(others.sum) - true_logit; /* Q23 */
    *log_odds_q16 = (int32_t)((log_odds + (1 << 6)) >> 7);
    return ASD_OK;
}
