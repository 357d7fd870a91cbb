/* The constants of asd_frontend_tables.c, which asd_edge/frontend/emit_c_tables.py prints. Formulas: DESIGN.md. */
#ifndef ASD_FRONTEND_TABLES_H
#define ASD_FRONTEND_TABLES_H

#include <stdint.h>

#define ASD_INV_SQRT2_Q31 1518500250
#define ASD_LOG_BITS 15

extern const int32_t asd_window_q29[64 * 16];       /* per butterfly in the order of its output, eight pairs */
extern const int32_t asd_twiddles_8_q30[8 * 6];     /* cos, sin of 2 pi q k / 32, q = 1..3 */
extern const int32_t asd_twiddles_32_q30[32 * 6];   /* cos, sin of 2 pi q k / 128 */
extern const int32_t asd_twiddles_128_q30[128 * 6]; /* cos, sin of 2 pi q k / 512 */
extern const int32_t asd_split_q31[255 * 2];        /* cos, sin of 2 pi k / 1024, k = 1..255 */
extern const uint8_t asd_mel_counts[129];           /* bins of each segment between two mel edges; none in the first */
extern const uint32_t asd_mel_weights_q32[511];     /* bins 1..511 */
extern const uint32_t asd_log_offsets[128];         /* 1e-8 / norm, 1.0 is 2^44 */
extern const int32_t asd_band_levels[128];          /* 10 log10(norm * 2^-44) + one half, 1/256 dB * 2^-15 */
extern const int32_t asd_log_curve[129];            /* 10 log10(1 + i / 128), likewise */
extern const int32_t asd_log_octave[1];             /* 10 log10(2), likewise */
extern const int16_t asd_decimator_taps_q16[304];   /* symmetric, they add up to 2^16 */

#endif
