/* Convolutions whose weights are packed for cores with MVE integer (ASD_LAYOUT_MVE, asd_edge/compiler/pack_mve.py).
 *
 * Every step has plain C, which runs on any core; an image for such a core links x_mve_helium.c and its assembly in
 * place of x_mve.c, or of the plain x.c. In both the bias already holds -zero point * sum of the channel's weights,
 * modulo 2^32, and sums are rounded twice. */
#ifndef ASD_KERNELS_MVE_H
#define ASD_KERNELS_MVE_H

#include "asd_kernels.h"

#define ASD_MVE_LANES 16u         /* taps of a channel come in blocks of 16, the last one filled up with zeros */
#define ASD_MVE_GROUP 4u          /* output channels that share the codes that are read */
#define ASD_MVE_PATCH_BYTES 4096u /* of windows in scratch at a time, unless two of them need more */
#define ASD_MVE_ROW_BYTES 64u     /* scratch of DEPTHWISE: a row of 16 channels, 4 columns each */

/* CONV2D and POINTWISE: weights [groups of 4 channels][blocks of 16 taps][4][16], channels beyond the last one are 0;
 * a tap is [time][mel][in]. Scratch of CONV2D, and of POINTWISE whose n_channels_in isn't a multiple of 16: as many
 * rows of the taps, rounded up to 16, as fit into ASD_MVE_PATCH_BYTES, an even number, at least 2, at most n_mels_out;
 * else none. */
void asd_conv2d_s8_mve(const asd_conv2d_params *params, const int8_t *const *columns, int8_t *output, void *scratch);
void asd_pointwise_s8_mve(const asd_conv2d_params *params, const int8_t *input, int8_t *output, void *scratch);
/* Kernels of up to 3 x 3, stride_mel 1 or 2, at most 9362 channels: weights [channel][mel][time]. Scratch:
 * ASD_MVE_ROW_BYTES * ((n_mels_out rounded up to 8, less 1) * stride_mel + 4) bytes. */
void asd_depthwise_s8_mve(const asd_conv2d_params *params, const int8_t *const *columns, int8_t *output, void *scratch);

#endif
