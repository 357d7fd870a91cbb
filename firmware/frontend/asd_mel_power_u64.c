/* Power of bins 1..511 -> 128 sums under triangles of height 1: one weight per bin. DESIGN.md, step 4. */
#include "asd_frontend_steps.h"
#include "asd_frontend_tables.h"

void asd_mel_power_u64(const uint64_t *power, uint64_t *mel)
{
    const uint32_t *weight = asd_mel_weights_q32;
    const uint64_t *bin = power + 1;
    uint64_t rising_before = 0;                          /* what the segment before gave its band */
    for (uint32_t band = 0; band < ASD_N_MELS; band++) { /* the first segment has no bin: band 0 rises over nothing */
        uint64_t rising = 0, whole = 0;
        for (uint32_t left = asd_mel_counts[band + 1u]; left > 0; left--) {
            const uint64_t value = *bin++;
            const uint64_t factor = *weight++;
            rising += (value >> 32) * factor + (((value & 0xFFFFFFFFu) * factor) >> 32);
            whole += value;
        }
        mel[band] = rising_before + (whole - rising);
        rising_before = rising;
    }
}
