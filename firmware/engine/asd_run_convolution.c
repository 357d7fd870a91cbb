/* The kernel for which a convolution's weights were packed. */
#include "asd_run_convolution.h"

#if defined(ASD_WITH_DSP)
#include "asd_kernels_dsp.h"
#endif
#if defined(ASD_WITH_MVE)
#include "asd_kernels_mve.h"
#endif

#if defined(ASD_WITH_DSP)
static void run_dsp(const asd_image_step *step, const asd_conv2d_params *params, const int8_t *const *columns,
                    int8_t *output, void *scratch)
{
    if (step->op == ASD_OP_POINTWISE) {
        asd_pointwise_s8_dsp(params, columns[0], output, scratch);
    } else if (step->op == ASD_OP_DEPTHWISE) {
        asd_depthwise_s8_dsp(params, columns, output, scratch);
    } else {
        asd_conv2d_s8_dsp(params, columns, output, scratch);
    }
}
#endif

#if defined(ASD_WITH_MVE)
static void run_mve(const asd_image_step *step, const asd_conv2d_params *params, const int8_t *const *columns,
                    int8_t *output, void *scratch)
{
    if (step->op == ASD_OP_POINTWISE) {
        asd_pointwise_s8_mve(params, columns[0], output, scratch);
    } else if (step->op == ASD_OP_DEPTHWISE) {
        asd_depthwise_s8_mve(params, columns, output, scratch);
    } else {
        asd_conv2d_s8_mve(params, columns, output, scratch);
    }
}
#endif

static void run_plain(const asd_image_step *step, const asd_conv2d_params *params, const int8_t *const *columns,
                      int8_t *output, void *scratch)
{
    if (step->op == ASD_OP_POINTWISE) {
        asd_pointwise_s8(params, columns[0], output, scratch);
    } else if (step->op == ASD_OP_DEPTHWISE) {
        asd_depthwise_s8(params, columns, output, scratch);
    } else {
        asd_conv2d_s8(params, columns, output, scratch);
    }
}

void asd_run_convolution(const asd_image_step *step, const asd_conv2d_params *params, const int8_t *const *columns,
                         int8_t *output, void *scratch)
{
    switch (step->layout) {
#if defined(ASD_WITH_DSP)
    case ASD_LAYOUT_DSP:
        run_dsp(step, params, columns, output, scratch);
        break;
#endif
#if defined(ASD_WITH_MVE)
    case ASD_LAYOUT_MVE:
        run_mve(step, params, columns, output, scratch);
        break;
#endif
    default:
        run_plain(step, params, columns, output, scratch);
        break;
    }
}
