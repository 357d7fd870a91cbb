/* One code from a doubled sum, as the assembly of the rescaling steps has it: one rounded product and one shift. */
#ifndef ASD_RESCALE_DSP_H
#define ASD_RESCALE_DSP_H

#include "asd/asd_fixed_point.h"
#include "asd_kernel_steps_dsp.h"

/* saturate(floor((rounding - [doubled < 0] + round(doubled * multiplier / 2^32)) / 2^right)) */
static inline int32_t asd_rescale_code_dsp(int32_t doubled, const asd_rescaling *rescaling)
{
    const int32_t rounding = rescaling->rounding + (doubled >> 31);
    return asd_saturate_s8(asd_mulh_add_s32(rounding, doubled, rescaling->multiplier) >> rescaling->right);
}

#endif
