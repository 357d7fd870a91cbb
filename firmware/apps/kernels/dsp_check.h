/* Stand-ins of the plain kernels in kernel_check: -Dasd_conv2d_s8=dsp_check_conv2d and so on. */
#ifndef DSP_CHECK_H
#define DSP_CHECK_H

#include "asd_kernels_dsp.h"

void dsp_check_conv2d(const asd_conv2d_params *params, const int8_t *const *columns, int8_t *output, void *unused);
void dsp_check_pointwise(const asd_conv2d_params *params, const int8_t *input, int8_t *output, void *unused);
void dsp_check_depthwise(const asd_conv2d_params *params, const int8_t *const *columns, int8_t *output, void *unused);

#endif
