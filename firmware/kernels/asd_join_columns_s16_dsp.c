/* Rows of four channels in three columns -> one plane per channel, for asd_multiply_plane_s16_dsp. */
#include "asd_kernel_steps_dsp.h"

void asd_join_columns_s16_dsp(const asd_column_rows *rows)
{
    for (uint32_t row = 0; row < rows->n_rows; row++) {
        for (uint32_t channel = 0; channel < ASD_DSP_GROUP; channel++) {
            int16_t *const joined = rows->planes + channel * (ASD_DSP_PLANE_BYTES / 2u) + 4u * row;
            const uint32_t offset = row * rows->row_bytes, partner = channel % 2u;
            joined[0] = (int16_t)(rows->columns[0][offset + channel] - rows->zero_point);
            joined[1] = (int16_t)(rows->columns[1][offset + channel] - rows->zero_point);
            joined[2] = (int16_t)(rows->columns[2][offset + partner] - rows->zero_point);
            joined[3] = (int16_t)(rows->columns[2][offset + partner + 2u] - rows->zero_point);
        }
    }
}
