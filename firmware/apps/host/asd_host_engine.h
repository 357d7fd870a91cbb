/* Images, networks and clips behind flat arguments, for asd_edge/native_engine.py. */
#ifndef ASD_HOST_ENGINE_H
#define ASD_HOST_ENGINE_H

#include <stdint.h>

#include "asd/asd_status.h"

/* Columns of one tensor, one behind the other. */
typedef struct {
    int8_t *values;     /* NULL: not wanted */
    uint32_t n_columns; /* so far */
    uint32_t capacity;  /* in columns; what comes after is dropped */
} asd_host_columns;

/* What asd_model_load says of an image. */
asd_status asd_host_check_image(const void *image, uint32_t n_bytes);

/* n_columns of each input through the network, and ticks until nothing is under way. `tensors` has an entry for each
 * tensor of the image. */
asd_status asd_host_run_image(const void *image, uint32_t n_bytes, void *arena, uint32_t arena_bytes,
                              const int8_t *const *inputs, uint32_t n_columns, asd_host_columns *output,
                              asd_host_columns *tensors);

/* Samples in chunks of chunk_length (0: all at once) -> up to max_scores scores; *n_scores of them. The first status
 * that isn't ASD_OK ends it. */
asd_status asd_host_score(const void *image, uint32_t n_bytes, void *arena, uint32_t arena_bytes, uint32_t class_index,
                          const int16_t *samples, uint32_t n_samples, uint32_t chunk_length, int64_t *scores_q16,
                          uint32_t max_scores, uint32_t *n_scores, asd_host_columns *embeddings);

/* State of front end, scorer and engine outside of the arena. */
uint32_t asd_host_detector_bytes(void);

#endif
