/* The one place that chooses between kernels of one operator. */
#ifndef ASD_RUN_CONVOLUTION_H
#define ASD_RUN_CONVOLUTION_H

#include "asd_kernels.h"

/* CONV2D, POINTWISE or DEPTHWISE, by the layout of its weights, which asd_check_step has accepted. */
void asd_run_convolution(const asd_image_step *step, const asd_conv2d_params *params, const int8_t *const *columns,
                         int8_t *output, void *scratch);

#endif
