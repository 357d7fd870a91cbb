/* Samples, any number at a time -> frames: two half buffers, the reflected ends, and the steps in their order. */
#include "asd/asd_frontend.h"

#include <stddef.h>
#include <string.h>

#include "asd_frontend_steps.h"

/* fir_old NULL and n_new below 512 where the frame reaches beyond the clip. */
static void compute_frame(asd_frontend_scratch *scratch, const asd_frontend_params *params, const int16_t *old_half,
                          const int16_t *new_half, const int16_t *fir_old, uint32_t n_new, asd_frontend_frame *frame)
{
    asd_window_radix8_s16(old_half, new_half, scratch->spectrum.points);
    asd_radix4_s32(scratch->spectrum.points);
    asd_split_power_s32(scratch);
    asd_mel_power_u64(scratch->spectrum.power, scratch->mel);
    asd_log_decibels_s16(scratch->mel, frame->log_mel);
    asd_quantize_log_mel_s8(frame->log_mel, &params->log_mel_scale, frame->log_mel_codes);
    frame->fir = 0;
    frame->fir_code = 0;
    if (params->fir != NULL) {
        frame->fir = asd_fir_s16(params->fir, fir_old, new_half, n_new);
        frame->fir_code = asd_quantize_input_s8(frame->fir, &params->fir_scale);
    }
}

/* Sample 512 has come: the reflected start x[512], x[511] .. x[1] before the half x[0] .. x[511]. */
static void compute_first_frame(asd_frontend_state *state, asd_frontend_scratch *scratch,
                                const asd_frontend_params *params, int16_t sample, asd_frontend_frame *frame)
{
    int16_t *const reflected = state->halves[state->new_half];
    const int16_t *const first_half = state->halves[1u - state->new_half];
    reflected[0] = sample;
    for (uint32_t i = 1; i < ASD_HOP_LENGTH; i++) {
        reflected[i] = first_half[ASD_HOP_LENGTH - i];
    }
    compute_frame(scratch, params, reflected, first_half, NULL, ASD_HOP_LENGTH, frame);
    state->n_samples = ASD_HOP_LENGTH + 1u;
    state->n_new = 1; /* reflected[0] is sample 512 */
}

void asd_frontend_start(asd_frontend_state *state)
{
    state->n_samples = 0;
    state->n_new = 0;
    state->new_half = 0;
}

void asd_frontend_push(asd_frontend_state *state, asd_frontend_scratch *scratch, const asd_frontend_params *params,
                       const int16_t *samples, uint32_t n_samples, asd_frontend_frame *frame, uint32_t *n_taken,
                       bool *has_frame)
{
    *n_taken = 0;
    *has_frame = false;
    while (*n_taken < n_samples) {
        if (state->n_samples == ASD_HOP_LENGTH) {
            compute_first_frame(state, scratch, params, samples[*n_taken], frame);
            *n_taken += 1u;
            *has_frame = true;
            return;
        }
        const uint32_t room = ASD_HOP_LENGTH - state->n_new, left = n_samples - *n_taken;
        const uint32_t n = left < room ? left : room;
        int16_t *const new_half = state->halves[state->new_half];
        memcpy(new_half + state->n_new, samples + *n_taken, n * sizeof *samples);
        *n_taken += n;
        state->n_new += n;
        if (state->n_samples <= ASD_HOP_LENGTH) {
            state->n_samples += n; /* never more than 512 here: the first half */
        }
        if (state->n_new == ASD_HOP_LENGTH) {
            const int16_t *const old_half = state->halves[1u - state->new_half];
            state->new_half = 1u - state->new_half;
            state->n_new = 0;
            if (state->n_samples > ASD_HOP_LENGTH) {
                compute_frame(scratch, params, old_half, new_half, old_half, ASD_HOP_LENGTH, frame);
                *has_frame = true;
                return;
            }
        }
    }
}

asd_status asd_frontend_finish(asd_frontend_state *state, asd_frontend_scratch *scratch,
                               const asd_frontend_params *params, asd_frontend_frame *frame)
{
    const uint32_t n_new = state->n_new;
    int16_t *const new_half = state->halves[state->new_half];
    const int16_t *const old_half = state->halves[1u - state->new_half];
    const bool is_long_enough = state->n_samples > ASD_HOP_LENGTH;
    asd_frontend_start(state);
    if (!is_long_enough) {
        return ASD_ERROR_TOO_SHORT;
    }
    /* x[L + j] = x[L - 2 - j]. With n_new = 0 the last of them, x[L - 513], ends the half before the old one: there it
     * is. */
    for (uint32_t i = n_new; i < ASD_HOP_LENGTH; i++) {
        const int32_t source = 2 * (int32_t)n_new - 2 - (int32_t)i;
        if (source >= 0) {
            new_half[i] = new_half[source];
        } else if (source >= -(int32_t)ASD_HOP_LENGTH) {
            new_half[i] = old_half[(int32_t)ASD_HOP_LENGTH + source];
        }
    }
    compute_frame(scratch, params, old_half, new_half, old_half, n_new, frame);
    return ASD_OK;
}
