/* Clips in, each after its settings -> every frame's integers out: log-Mel, its codes, FIR, its code. */
#include <stddef.h>

#include "asd/asd_port.h"
#include "frontend_record.h"

static frontend_record record;
static int16_t samples[4096];
static asd_frontend_state state;
static asd_frontend_scratch scratch;
static asd_frontend_frame frame;

static void write_frame(void)
{
    asd_port_write(frame.log_mel, sizeof frame.log_mel);
    asd_port_write(frame.log_mel_codes, sizeof frame.log_mel_codes);
    asd_port_write(&frame.fir, sizeof frame.fir);
    asd_port_write(&frame.fir_code, sizeof frame.fir_code);
}

static bool check_clip(void)
{
    const asd_fir_taps fir = {record.high, record.low, record.bias};
    const asd_frontend_params params = {record.log_mel_scale, record.fir_scale, record.has_fir != 0 ? &fir : NULL};
    asd_frontend_start(&state);
    for (uint32_t n_left = record.n_samples; n_left > 0;) {
        const uint32_t n = n_left < record.chunk_length ? n_left : record.chunk_length;
        if (!asd_port_read(samples, n * (uint32_t)sizeof *samples)) {
            return false;
        }
        for (uint32_t n_pushed = 0; n_pushed < n;) {
            uint32_t n_taken = 0;
            bool has_frame = false;
            asd_frontend_push(&state, &scratch, &params, samples + n_pushed, n - n_pushed, &frame, &n_taken,
                              &has_frame);
            n_pushed += n_taken;
            if (has_frame) {
                write_frame();
            }
        }
        n_left -= n;
    }
    if (asd_frontend_finish(&state, &scratch, &params, &frame) != ASD_OK) {
        return false;
    }
    write_frame();
    return true;
}

int main(void)
{
    int32_t code = 0;
    while (code == 0 && asd_port_read(&record, sizeof record)) {
        code = check_clip() ? 0 : 1;
    }
    asd_port_exit(code);
    return code;
}
