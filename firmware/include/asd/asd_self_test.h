/* A clip that needs no storage, and what a model has to make of it: the proof on the device that the model detects. */
#ifndef ASD_SELF_TEST_H
#define ASD_SELF_TEST_H

#include "asd/asd_bundle.h"
#include "asd/asd_detector.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    uint32_t random;
    uint32_t phase;
    uint32_t index;
    int32_t rumble;
} asd_self_test_clip;

/* The same samples everywhere for the same seed: noise through a low-pass, a tone that slides, a burst each half
 * second; asd_edge/package/self_test.py is its twin. */
void asd_self_test_start(asd_self_test_clip *clip, uint32_t seed);
void asd_self_test_samples(asd_self_test_clip *clip, int16_t *samples, uint32_t n_samples);

/* What the self-test gave. */
typedef struct {
    asd_status status; /* of the detector */
    int64_t score_q16;
    uint8_t output_sha256[ASD_SHA256_BYTES];
} asd_self_test_result;

/* Front end, network and scorer over the bundle's clip; true: score and embedding are the expected ones to the bit.
 * The detector must not be at work; it is left without a stream. */
bool asd_self_test(asd_self_test_result *result, const asd_bundle *bundle, asd_detector *detector,
                   const asd_model *model, void *arena, uint32_t arena_bytes);

#ifdef __cplusplus
}
#endif

#endif
