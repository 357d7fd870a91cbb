/* Power of bins 1..511 -> 128 sums under triangles of height 1: one weight per bin. DESIGN.md, step 4. */
#include "asd_frontend_steps.h"
#include "asd_frontend_tables.h"

void asd_mel_power_u64(const uint64_t *power, uint64_t *mel)
{
    const uint32_t *weight = asd_mel_weights_q32;
    const uint64_t *bin = power + 1;
    uint64_t rising_before = 0; /* of the segment before: what its band has so far */
    for (uint32_t segment = 0; segment <= ASD_N_MELS; segment++) {
        const uint64_t *const end = power + asd_mel_starts[segment + 1u];
        uint64_t rising = 0, whole = 0;
        while (bin < end) {
            const uint64_t value = *bin++;
            const uint64_t factor = *weight++;
            rising += (value >> 32) * factor + (((value & 0xFFFFFFFFu) * factor) >> 32);
            whole += value;
        }
        if (segment > 0) {
            mel[segment - 1u] = rising_before + (whole - rising);
        }
        rising_before = rising;
    }
}
