/* One firing of a step: its record, its tensors, its places in the arena; and the steps that read several columns. */
#ifndef ASD_FIRING_H
#define ASD_FIRING_H

#include "asd_columns.h"
#include "asd_kernels.h"

typedef struct {
    const asd_engine *engine;
    const asd_image_step *step;
    const asd_image_tensor *in;
    const asd_image_tensor *out;
    const int8_t *input; /* the column `next` of the first input */
    int8_t *output;      /* room for the output column */
    void *scratch;
} asd_firing;

static inline const void *asd_constants(const asd_firing *f, uint32_t offset)
{
    return f->engine->model->image + offset;
}

static inline asd_factor asd_step_factor(const asd_image_step *step, uint32_t index)
{
    const asd_factor result = {step->factors[index], step->factor_shifts[index]};
    return result;
}

static inline asd_mean_params asd_mean_params_of(const asd_firing *f)
{
    const asd_mean_params params = {
        .n_mels_in = f->in->n_mels,
        .n_mels_out = f->out->n_mels,
        .n_channels = f->in->n_channels,
        .factor = asd_step_factor(f->step, 0),
        .input_zero_point = f->in->zero_point,
        .output_zero_point = f->out->zero_point,
    };
    return params;
}

/* A convolution or pooling over kernel_time columns. */
void asd_run_windowed(const asd_firing *f, const asd_step_state *state);

/* One input column into the sums of every output that it belongs to; true where it completes one, `output` then. */
bool asd_run_accumulating(const asd_firing *f, const asd_step_state *state);

#endif
