/* int16 samples at 16 kHz, any number at a time -> log-Mel and Wavegram FIR frames as integers, the bits of the NumPy
 * twin (asd_edge/frontend/fixed_*.py). Frame t is centred on sample 512 t. Formulas and ranges: frontend/DESIGN.md. */
#ifndef ASD_FRONTEND_H
#define ASD_FRONTEND_H

#include <stdbool.h>
#include <stdint.h>

#include "asd/asd_status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ASD_HOP_LENGTH 512u
#define ASD_N_COMPLEX 512u
#define ASD_N_MELS 128u

/* code = floor((kept * multiplier + 2^15) / 2^shift + 1/2) + zero_point, saturated;
 * kept = min(value, limit) >> pre_shift */
typedef struct {
    int64_t limit;
    int32_t multiplier; /* 2^30..2^31 - 1 */
    int32_t shift;      /* 32..62 */
    int32_t zero_point;
    int32_t pre_shift; /* 0..31 */
} asd_code_scale;

/* tap = 65536 * high + low; both arrays at multiples of 4: the assembly reads them by LDRD, which faults elsewhere */
typedef struct {
    const int16_t *high; /* [1024] */
    const int16_t *low;  /* [1024] */
    int64_t bias;
} asd_fir_taps;

typedef struct {
    asd_code_scale log_mel_scale; /* of 1/256 dB; an int16 needs neither limit nor pre_shift, they aren't read */
    asd_code_scale fir_scale;     /* of the FIR's sums */
    const asd_fir_taps *fir;      /* NULL: the model has no Wavegram */
} asd_frontend_params;

/* The caller's; start with asd_frontend_start. */
typedef struct {
    int16_t halves[2][ASD_HOP_LENGTH] __attribute__((aligned(8)));
    uint32_t n_samples; /* of this clip, so far; stays at 513 or above once it is there */
    uint32_t n_new;     /* of them, in the half that is being filled */
    uint32_t new_half;
} asd_frontend_state;

typedef struct {
    int32_t re;
    int32_t im;
} asd_complex_s32;

/* Holds nothing between two calls: it can be shared with anything else. */
typedef struct {
    union {
        asd_complex_s32 points[ASD_N_COMPLEX]; /* Q31 */
        uint64_t power[ASD_N_COMPLEX];         /* 1.0 is 2^44; entry 0 is not one */
    } spectrum;
    uint64_t mel[ASD_N_MELS];
} asd_frontend_scratch;

typedef struct {
    int64_t fir;                      /* relu(bias + frame . taps), in the unit of the taps / 2^15 */
    int16_t log_mel[ASD_N_MELS];      /* 1/256 dB */
    int8_t log_mel_codes[ASD_N_MELS]; /* what the graph takes */
    int8_t fir_code;
} asd_frontend_frame;

/* Begin a clip. */
void asd_frontend_start(asd_frontend_state *state);

/* Take samples until a frame is complete or none is left; call again with the rest. *n_taken of them were taken; the
 * frame is valid where *has_frame is true. */
void asd_frontend_push(asd_frontend_state *state, asd_frontend_scratch *scratch, const asd_frontend_params *params,
                       const int16_t *samples, uint32_t n_samples, asd_frontend_frame *frame, uint32_t *n_taken,
                       bool *has_frame);

/* The clip's last frame, with the reflected end; then the state begins a clip. ASD_ERROR_TOO_SHORT: no frame. */
asd_status asd_frontend_finish(asd_frontend_state *state, asd_frontend_scratch *scratch,
                               const asd_frontend_params *params, asd_frontend_frame *frame);

#ifdef __cplusplus
}
#endif

#endif
