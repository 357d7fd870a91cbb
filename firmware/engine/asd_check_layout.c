/* What the kernels of each layout ask of a convolution: bytes of weights, working memory, the range of its sums. */
#include "asd_checks.h"

#if defined(ASD_WITH_DSP)
#include "asd_kernels_dsp.h"
#endif
#if defined(ASD_WITH_MVE)
#include "asd_kernels_mve.h"
#endif

#define LARGEST_CODE UINT64_C(255) /* without its zero point */
#define LARGEST_RAW_CODE UINT64_C(128)
#define LARGEST_WEIGHT UINT64_C(128)
#define MOST_TAPS (1u << 16) /* of a packed channel */

static bool is_matrix(const asd_image_step *step)
{
    return step->op == ASD_OP_CONV2D || step->op == ASD_OP_POINTWISE;
}

static asd_layout_needs plain_needs(const asd_image_step *step, uint32_t n_rows, uint32_t n_out, uint64_t n_taps)
{
    const asd_layout_needs needs = {
        .has_kernel = true,
        .weights_bytes = n_out * n_taps,
        .scratch_bytes = is_matrix(step) ? 2u * (n_rows < 4 ? n_rows : 4u) * n_taps : 0u,
        .product_limit = LARGEST_CODE * LARGEST_WEIGHT,
        .sum_limit = UINT64_C(1) << 31,
    };
    return needs;
}

#if defined(ASD_WITH_DSP)
static asd_layout_needs dsp_needs(const asd_image_step *step, uint32_t n_rows, uint32_t n_out, uint32_t n_taps)
{
    const uint64_t padded_taps = is_matrix(step) ? asd_dsp_padded_taps(n_taps) : n_taps;
    const asd_layout_needs needs = {
        .has_kernel = is_matrix(step) || step->op == ASD_OP_DEPTHWISE,
        .weights_bytes = n_out * padded_taps,
        .scratch_bytes = step->op == ASD_OP_DEPTHWISE   ? ASD_DSP_DEPTHWISE_SCRATCH_BYTES
                         : step->op == ASD_OP_POINTWISE ? asd_dsp_pointwise_scratch_bytes(n_rows, n_taps)
                                                        : asd_dsp_conv2d_scratch_bytes(n_rows, n_taps),
        .product_limit = LARGEST_CODE * LARGEST_WEIGHT,
        .sum_limit = UINT64_C(1) << 30,
    };
    return needs;
}
#endif

#if defined(ASD_WITH_MVE)
static uint64_t mve_matrix_scratch(const asd_image_step *step, uint32_t n_rows, uint64_t row_bytes, uint32_t n_taps)
{
    if (step->op == ASD_OP_POINTWISE && n_taps % ASD_MVE_LANES == 0) {
        return 0;
    }
    const uint64_t fitting = ASD_MVE_PATCH_BYTES / row_bytes & ~UINT64_C(1), at_once = fitting < 2 ? 2 : fitting;
    return row_bytes * (n_rows < at_once ? n_rows : at_once);
}

static asd_layout_needs mve_needs(const asd_image_step *step, uint32_t n_rows, uint32_t n_out, uint32_t n_taps)
{
    const uint64_t row_bytes = ((uint64_t)n_taps + ASD_MVE_LANES - 1u) & ~(uint64_t)(ASD_MVE_LANES - 1u);
    const uint64_t n_rows_done = ((uint64_t)n_rows + 7u) & ~UINT64_C(7);
    const bool is_small = step->kernel_time <= 3 && step->kernel_mel <= 3 && step->stride_mel <= 2 && n_out <= 9362 &&
                          step->pad_mel < step->kernel_mel;
    const asd_layout_needs needs = {
        .has_kernel =
            step->rounding == ASD_ROUNDING_TWICE && (is_matrix(step) || (step->op == ASD_OP_DEPTHWISE && is_small)),
        .weights_bytes =
            is_matrix(step) ? (((uint64_t)n_out + 3u) & ~UINT64_C(3)) * row_bytes : n_out * (uint64_t)n_taps,
        .scratch_bytes = is_matrix(step) ? mve_matrix_scratch(step, n_rows, row_bytes, n_taps)
                                         : ASD_MVE_ROW_BYTES * ((n_rows_done - 1u) * step->stride_mel + 4u),
        .product_limit = LARGEST_RAW_CODE * LARGEST_WEIGHT, /* the zero point is in the bias */
        .sum_limit = UINT64_C(1) << 31,
    };
    return needs;
}
#endif

asd_layout_needs asd_needs_of_layout(const asd_image_step *step, const asd_image_tensor *in,
                                     const asd_image_tensor *out)
{
    const bool is_depthwise = step->op == ASD_OP_DEPTHWISE || step->op == ASD_OP_ACCUMULATE_DEPTHWISE;
    const uint64_t n_taps = (uint64_t)step->kernel_time * step->kernel_mel * (is_depthwise ? 1u : in->n_channels);
    const asd_layout_needs none = {.has_kernel = false};
    if (step->layout == ASD_LAYOUT_PLAIN) {
        return plain_needs(step, out->n_mels, out->n_channels, n_taps);
    }
    if (n_taps > MOST_TAPS) {
        return none;
    }
    switch (step->layout) {
#if defined(ASD_WITH_DSP)
    case ASD_LAYOUT_DSP:
        return dsp_needs(step, out->n_mels, out->n_channels, (uint32_t)n_taps);
#endif
#if defined(ASD_WITH_MVE)
    case ASD_LAYOUT_MVE:
        return mve_needs(step, out->n_mels, out->n_channels, (uint32_t)n_taps);
#endif
    default:
        return none;
    }
}
