/* Steps that the kernels for MVE share. */
#ifndef ASD_MVE_STEPS_H
#define ASD_MVE_STEPS_H

#include "asd_kernel_steps.h"
#include "asd_kernels_mve.h"

/* n windows from output row `first` on as rows of codes [time][mel][in], row_bytes apart, the zero point in the
 * padding. What lies between two rows stays as it is. */
void asd_gather_patches_s8_mve(const asd_conv2d_params *params, const int8_t *const *columns, uint32_t first,
                               uint32_t n, uint32_t row_bytes, int8_t *patches);

/* n rows of codes [taps], `stride` bytes apart, times packed weights -> n rows of codes [n_channels_out]. With vector
 * instructions blocks of 16 codes are read, whatever the number of taps. */
void asd_multiply_packed_s8_mve(const asd_conv2d_params *params, const int8_t *codes, uint32_t n, uint32_t stride,
                                int8_t *output);

#endif
