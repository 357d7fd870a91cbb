/* A clip of 512 * 18 samples after its settings -> ticks of 16 runs of each step, of 16 whole frames, and of nothing.
 */
#include <stddef.h>

#include "asd/asd_port.h"
#include "asd_frontend_steps.h"
#include "frontend_record.h"

#define N_RUNS 16u
#define N_STEPS 9u

static frontend_record record;
static int16_t samples[(N_RUNS + 2u) * ASD_HOP_LENGTH] __attribute__((aligned(8)));
static asd_frontend_state state;
static asd_frontend_scratch scratch;
static asd_frontend_frame frame;
static uint32_t ticks[N_STEPS];

static void push(const asd_frontend_params *params, uint32_t first, uint32_t n_samples)
{
    for (uint32_t n_pushed = 0; n_pushed < n_samples;) {
        uint32_t n_taken = 0;
        bool has_frame = false;
        asd_frontend_push(&state, &scratch, params, samples + first + n_pushed, n_samples - n_pushed, &frame, &n_taken,
                          &has_frame);
        n_pushed += n_taken;
    }
}

int main(void)
{
    if (!asd_port_read(&record, sizeof record) || !asd_port_read(samples, sizeof samples)) {
        asd_port_exit(1);
    }
    const asd_fir_taps fir = {record.high, record.low, record.bias};
    const asd_frontend_params params = {record.log_mel_scale, record.fir_scale, &fir};
    asd_frontend_start(&state);
    push(&params, 0, 2u * ASD_HOP_LENGTH);
    for (uint32_t step = 0; step < N_STEPS; step++) {
        ticks[step] = 0;
    }
    for (uint32_t run = 0; run < N_RUNS; run++) {
        const int16_t *const half = samples + run * ASD_HOP_LENGTH;
        const uint32_t at0 = asd_port_ticks();
        asd_window_radix8_s16(half, half + ASD_HOP_LENGTH, scratch.spectrum.points);
        const uint32_t at1 = asd_port_ticks();
        asd_radix4_s32(scratch.spectrum.points);
        const uint32_t at2 = asd_port_ticks();
        asd_split_power_s32(&scratch);
        const uint32_t at3 = asd_port_ticks();
        asd_mel_power_u64(scratch.spectrum.power, scratch.mel);
        const uint32_t at4 = asd_port_ticks();
        asd_log_decibels_s16(scratch.mel, frame.log_mel);
        const uint32_t at5 = asd_port_ticks();
        asd_quantize_log_mel_s8(frame.log_mel, &params.log_mel_scale, frame.log_mel_codes);
        const uint32_t at6 = asd_port_ticks();
        frame.fir = asd_fir_s16(params.fir, half, half + ASD_HOP_LENGTH, ASD_HOP_LENGTH);
        const uint32_t at7 = asd_port_ticks();
        push(&params, (run + 2u) * ASD_HOP_LENGTH, ASD_HOP_LENGTH);
        const uint32_t at8 = asd_port_ticks();
        const uint32_t at9 = asd_port_ticks();
        const uint32_t at[10] = {at0, at1, at2, at3, at4, at5, at6, at7, at8, at9};
        for (uint32_t step = 0; step < N_STEPS; step++) {
            ticks[step] += at[step + 1u] - at[step];
        }
    }
    asd_port_write(ticks, sizeof ticks);
    asd_port_exit(0);
    return 0;
}
