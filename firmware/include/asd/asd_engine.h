/* A model image (FORMAT.md) in flash and an arena in RAM -> the network, one time column after the other.
 *
 * The bits are those of TFLite's reference kernels on the whole tensor. Design: firmware/DESIGN.md. */
#ifndef ASD_ENGINE_H
#define ASD_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "asd/asd_image.h"
#include "asd/asd_status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A checked image; it has to stay where it is. */
typedef struct {
    const uint8_t *image;
    const asd_image_header *header;
    const asd_image_tensor *tensors;    /* [header->n_tensors] */
    const asd_image_step *steps;        /* [header->n_steps] */
    const asd_image_detector *detector; /* NULL: a network alone */
} asd_model;

/* A column [n_mels][n_channels] of the network's output; valid during the call only. */
typedef void (*asd_output_fn)(void *context, const int8_t *column);

#ifdef ASD_TAP
/* Column `index` (since the start) of a tensor; step 0xFFFFFFFF: a column of an input. */
typedef void (*asd_tap_fn)(void *context, uint32_t step, uint32_t tensor, uint32_t index, const int8_t *column);
#endif

/* The caller's; start with asd_engine_start. */
typedef struct {
    const asd_model *model;
    uint8_t *arena;
    asd_tensor_state *tensors; /* in the arena */
    asd_step_state *steps;     /* in the arena */
    asd_output_fn on_output;
    void *context;
#ifdef ASD_TAP
    asd_tap_fn tap; /* NULL: none; set it after the start */
    void *tap_context;
#endif
} asd_engine;

/* Check n_bytes at `image`, a multiple of ASD_IMAGE_ALIGNMENT, as if they came from an enemy; bytes behind the image
 * are ignored. Any status but ASD_OK: the model can't be used. */
asd_status asd_model_load(asd_model *model, const void *image, uint32_t n_bytes);

/* Begin a stream. The arena is at a multiple of ASD_IMAGE_ALIGNMENT and has at least model->header->arena_bytes, else
 * ASD_ERROR_ARENA. on_output is called from asd_engine_push and asd_engine_tick for each column of the output. */
asd_status asd_engine_start(asd_engine *engine, const asd_model *model, void *arena, uint32_t arena_bytes,
                            asd_output_fn on_output, void *context);

/* Room for the next column of input `index`, to be filled before each asd_engine_push. */
int8_t *asd_engine_input(asd_engine *engine, uint32_t index);

/* The next column of each input is there: compute all that follows from it. */
void asd_engine_push(asd_engine *engine);

/* Time passes without input: what was delayed is computed. False: nothing is under way. */
bool asd_engine_tick(asd_engine *engine);

#ifdef __cplusplus
}
#endif

#endif
