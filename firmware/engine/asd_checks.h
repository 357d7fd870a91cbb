/* The parts of asd_model_load; each looks at bytes that an enemy may have written. */
#ifndef ASD_CHECKS_H
#define ASD_CHECKS_H

#include "asd/asd_detector.h"
#include "asd/asd_engine.h"

#define ASD_MAX_RECORDS 1024u        /* tensors, and steps: what one column computes, and how long a check takes */
#define ASD_MAX_COLUMNS 65535u       /* of a window */
#define ASD_MAX_DELAY 1024u          /* ticks */
#define ASD_MAX_ENDLESS_STRIDE 1024u /* keeps positions in an endless stream below 2^31 */

/* Bytes of the image or of the arena. */
typedef struct {
    uint32_t offset;
    uint32_t n_bytes;
} asd_region;

/* n_bytes may come from any product of 32-bit numbers that itself fits 64 bits. */
static inline bool asd_is_within(uint64_t offset, uint64_t n_bytes, uint32_t limit)
{
    return n_bytes <= limit && offset <= limit - n_bytes;
}

/* Nothing overlaps an empty region. */
static inline bool asd_overlap(asd_region a, asd_region b)
{
    return a.n_bytes != 0 && b.n_bytes != 0 && a.offset < (uint64_t)b.offset + b.n_bytes &&
           b.offset < (uint64_t)a.offset + a.n_bytes;
}

/* Of one column, without what rounds its place in a ring up to a multiple of 4. */
static inline uint32_t asd_column_bytes(const asd_image_tensor *tensor)
{
    return (uint32_t)tensor->n_mels * tensor->n_channels;
}

static inline uint32_t asd_column_stride(const asd_image_tensor *tensor)
{
    return (asd_column_bytes(tensor) + 3u) & ~3u;
}

static inline asd_region asd_ring(const asd_image_tensor *tensor)
{
    const asd_region ring = {tensor->ring_offset, tensor->depth * asd_column_stride(tensor)};
    return ring;
}

/* Where the newest column lies if it is apart; empty if not. */
static inline asd_region asd_newest(const asd_image_tensor *tensor)
{
    const asd_region newest = {tensor->newest_offset, tensor->is_apart != 0 ? asd_column_stride(tensor) : 0u};
    return newest;
}

static inline bool asd_is_accumulating(const asd_image_step *step)
{
    return step->op == ASD_OP_ACCUMULATE_CONV2D || step->op == ASD_OP_ACCUMULATE_DEPTHWISE ||
           step->op == ASD_OP_ACCUMULATE_MEAN;
}

/* Windows (kernel, stride, padding) along time and mel. */
static inline bool asd_is_windowed(const asd_image_step *step)
{
    return step->op == ASD_OP_CONV2D || step->op == ASD_OP_POINTWISE || step->op == ASD_OP_DEPTHWISE ||
           step->op == ASD_OP_AVERAGE_POOL || step->op == ASD_OP_MAX_POOL;
}

/* int32 sums of an accumulating step that asd_check_step has accepted. */
static inline asd_region asd_accumulators(const asd_model *model, const asd_image_step *step)
{
    const asd_region sums = {step->accumulators_offset,
                             step->n_accumulators * asd_column_bytes(&model->tensors[step->output]) * 4u};
    return sums;
}

/* Of a detector that scores embeddings. */
static inline asd_arcface_params asd_arcface_of(const asd_model *model)
{
    const asd_image_detector *const detector = model->detector;
    const asd_arcface_params params = {
        .rows = (const int16_t *)(const void *)(model->image + detector->rows_offset),
        .n_classes = detector->n_classes,
        .embedding_size = detector->embedding_size,
        .zero_point = model->tensors[model->header->output].zero_point,
        .scale_q16 = detector->arcface[0],
        .cos_margin = detector->arcface[1],
        .sin_margin = detector->arcface[2],
        .threshold = detector->arcface[3],
        .shortfall = detector->arcface[4],
    };
    return params;
}

/* Of one that scores reconstructions. */
static inline asd_reconstruction_params asd_reconstruction_of(const asd_model *model)
{
    const int32_t *const numbers = model->detector->reconstruction;
    const asd_reconstruction_params params = {numbers[0], numbers[1], numbers[2]};
    return params;
}

/* Of a convolution, by the layout of its weights. */
typedef struct {
    bool has_kernel; /* in this firmware, for such a step */
    uint64_t weights_bytes;
    uint64_t scratch_bytes; /* at least */
    uint64_t product_limit; /* the largest product of a code and a weight */
    uint64_t sum_limit;     /* that no sum, bias included, may reach */
} asd_layout_needs;

asd_layout_needs asd_needs_of_layout(const asd_image_step *step, const asd_image_tensor *in,
                                     const asd_image_tensor *out);

/* CRC-32 (IEEE 802.3) of bytes that follow those whose CRC-32 is `before`; 0 where there are none. */
uint32_t asd_crc32(uint32_t before, const uint8_t *bytes, uint32_t n_bytes);

/* What the header's crc32 has to be: of all of the image but for that word itself. */
uint32_t asd_image_crc32(const uint8_t *image, uint32_t n_bytes);

/* One tensor: sizes and places. */
asd_status asd_check_tensor(const asd_model *model, uint32_t index);

/* One step against its tensors; those of the inputs and the output exist. */
asd_status asd_check_step(const asd_model *model, const asd_image_step *step);

/* One step's weights, factors and tables. */
asd_status asd_check_constants(const asd_model *model, const asd_image_step *step);

/* Who writes which tensor, and what in the arena must not share its place with anything. */
asd_status asd_check_plan(const asd_model *model);

asd_status asd_check_detector(const asd_model *model);

#endif
