/* asd_lookup_s8 by gathering loads, 16 codes or 4 channels at a time, for cores with MVE integer. */
#include <arm_mve.h>

#include "asd_kernels.h"

static void look_up_shared(const int8_t *table, const int8_t *input, uint32_t n_values, int8_t *output)
{
    const uint8x16_t first_entry = vdupq_n_u8(128);
    for (uint32_t done = 0; done < n_values; done += 16u) {
        const mve_pred16_t lanes = vctp8q(n_values - done);
        const uint8x16_t entries = veorq_u8(vreinterpretq_u8_s8(vldrbq_z_s8(input + done, lanes)), first_entry);
        vstrbq_p_s8(output + done, vldrbq_gather_offset_z_s8(table, entries, lanes), lanes);
    }
}

static void look_up_channels(const int8_t *table, const int8_t *input, uint32_t n_channels, int8_t *output)
{
    const uint32x4_t first_entries = {128, 256 + 128, 512 + 128, 768 + 128};
    for (uint32_t channel = 0; channel < n_channels; channel += 4u, table += 1024) {
        const mve_pred16_t lanes = vctp32q(n_channels - channel);
        const uint32x4_t codes = vreinterpretq_u32_s32(vldrbq_z_s32(input + channel, lanes));
        const uint32x4_t entries = vaddq_u32(codes, first_entries);
        vstrbq_p_s32(output + channel, vldrbq_gather_offset_z_s32(table, entries, lanes), lanes);
    }
}

void asd_lookup_s8(const asd_lookup_params *params, const int8_t *input, int8_t *output)
{
    const uint32_t n_channels = params->n_channels;
    if (params->n_tables == 1u) {
        look_up_shared(params->table, input, params->n_mels * n_channels, output);
        return;
    }
    for (uint32_t row = 0; row < params->n_mels; row++, input += n_channels, output += n_channels) {
        look_up_channels(params->table, input, n_channels, output);
    }
}
