/* Log-Mel values and what an autoencoder made of them -> mean squared error of the clip, Q16 dB^2. DESIGN.md. */
#include "asd/asd_scorer.h"

asd_status asd_reconstruction_start(asd_reconstruction_state *state, const asd_reconstruction_params *params)
{
    if (!asd_is_reconstruction(params)) {
        return ASD_ERROR_ARGUMENT;
    }
    state->sum = 0;
    state->n_values = 0;
    return ASD_OK;
}

asd_status asd_reconstruction_add_s8(asd_reconstruction_state *state, const asd_reconstruction_params *params,
                                     const int16_t *values, const int8_t *codes, uint32_t n_values)
{
    if (n_values > ASD_SCORER_MOST_VALUES - state->n_values) {
        return ASD_ERROR_ARGUMENT;
    }
    const int64_t half = INT64_C(1) << (params->shift - 1);
    uint64_t sum = state->sum;
    for (uint32_t i = 0; i < n_values; i++) {
        const int64_t product = (int64_t)(codes[i] - params->zero_point) * params->multiplier;
        const int32_t error = values[i] * 16 - (int32_t)((product + half) >> params->shift); /* below 2^22.2 */
        sum += (uint64_t)((int64_t)error * error);
    }
    state->sum = sum;
    state->n_values += n_values;
    return ASD_OK;
}

asd_status asd_reconstruction_finish(const asd_reconstruction_state *state, int64_t *score_q16)
{
    if (state->n_values == 0) {
        return ASD_ERROR_NO_SCORE;
    }
    const uint64_t units = (uint64_t)state->n_values << 8; /* 2^-24 -> 2^-16 dB^2 */
    *score_q16 = (int64_t)((state->sum + units / 2u) / units);
    return ASD_OK;
}
