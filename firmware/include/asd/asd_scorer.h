/* A network's int8 output -> the clip's anomaly score in integers, the bits of the NumPy twins
 * (asd_edge/scorer/fixed_*.py). Formulas, ranges, errors: scorer/DESIGN.md. */
#ifndef ASD_SCORER_H
#define ASD_SCORER_H

#include <stdbool.h>
#include <stdint.h>

#include "asd/asd_status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ASD_SCORER_MOST_CLASSES 65535u
#define ASD_SCORER_MOST_EMBEDDING 512u
#define ASD_SCORER_MOST_VALUES (1u << 19)

/* The head and its margin m in radians, 0..pi; asd_edge/scorer/fixed_head.py prepares them. */
typedef struct {
    const int16_t *rows;     /* [n_classes][embedding_size], each in steps of its own: only its direction counts */
    uint32_t n_classes;      /* 2..ASD_SCORER_MOST_CLASSES */
    uint32_t embedding_size; /* 1..ASD_SCORER_MOST_EMBEDDING */
    int32_t zero_point;      /* of the embedding, -128..127; its scale cancels */
    int32_t scale_q16;       /* s, 1..128 * 65536 */
    int32_t cos_margin;      /* cos(m), Q30 */
    int32_t sin_margin;      /* sin(m), Q30 */
    int32_t threshold;       /* cos(pi - m), Q30: the margin is an angle above it */
    int32_t shortfall;       /* m sin(pi - m), Q30: what it takes from the cosine below */
} asd_arcface_params;

/* r = floor((code - zero_point) * multiplier / 2^shift + 1/2) in 1/4096 dB; asd_edge/scorer/fixed_reconstruction.py */
typedef struct {
    int32_t multiplier; /* 1..2^31 - 1 */
    int32_t shift;      /* 17..62 */
    int32_t zero_point; /* -128..127 */
} asd_reconstruction_params;

typedef struct {
    uint64_t sum; /* of squared errors, 2^-24 dB^2 */
    uint32_t n_values;
} asd_reconstruction_state;

/* All but the rows are in their ranges. */
static inline bool asd_is_arcface(const asd_arcface_params *params)
{
    const int32_t one_q30 = INT32_C(1) << 30;
    return params->n_classes >= 2 && params->n_classes <= ASD_SCORER_MOST_CLASSES && params->embedding_size >= 1 &&
           params->embedding_size <= ASD_SCORER_MOST_EMBEDDING && params->zero_point >= INT8_MIN &&
           params->zero_point <= INT8_MAX && params->scale_q16 >= 1 << 16 && params->scale_q16 <= 128 << 16 &&
           params->cos_margin >= -one_q30 && params->cos_margin <= one_q30 && params->sin_margin >= 0 &&
           params->sin_margin <= one_q30 && params->threshold >= -one_q30 && params->threshold <= one_q30 &&
           params->shortfall >= 0;
}

static inline bool asd_is_reconstruction(const asd_reconstruction_params *params)
{
    return params->multiplier >= 1 && params->shift >= 17 && params->shift <= 62 && params->zero_point >= INT8_MIN &&
           params->zero_point <= INT8_MAX;
}

/* Embedding [embedding_size] and the claimed class -> log-odds against it, Q16, no saturation. ASD_ERROR_NO_SCORE where
 * every code is the zero point; ASD_ERROR_ARGUMENT for parameters out of range, a row of zeros or no such class. */
asd_status asd_arcface_log_odds_s8(const asd_arcface_params *params, const int8_t *embedding, uint32_t class_index,
                                   int32_t *log_odds_q16);

/* Begins a clip. ASD_ERROR_ARGUMENT where a parameter is out of its range; the state isn't begun then. */
asd_status asd_reconstruction_start(asd_reconstruction_state *state, const asd_reconstruction_params *params);

/* The next n_values that the network took, in 1/256 dB as the front end gave them, and what it made of them, with the
 * parameters that asd_reconstruction_start took. ASD_ERROR_ARGUMENT, and nothing added, where a clip would exceed
 * ASD_SCORER_MOST_VALUES. */
asd_status asd_reconstruction_add_s8(asd_reconstruction_state *state, const asd_reconstruction_params *params,
                                     const int16_t *values, const int8_t *codes, uint32_t n_values);

/* Mean squared error of the clip in dB^2, Q16, no saturation. ASD_ERROR_NO_SCORE before the first value. */
asd_status asd_reconstruction_finish(const asd_reconstruction_state *state, int64_t *score_q16);

#ifdef __cplusplus
}
#endif

#endif
