/* Seed -> clip -> score and hash of the embedding, held against the bundle's. */
#include "asd/asd_self_test.h"

#include <string.h>

#define BLOCK_SAMPLES 64u
#define BURST_PERIOD 8000u
#define BURST_SAMPLES 400u
#define SLIDE 3u /* of the tone's step, per sample */

void asd_self_test_start(asd_self_test_clip *clip, uint32_t seed)
{
    *clip = (asd_self_test_clip){.random = seed == 0 ? 1u : seed};
}

/* xorshift32 (Marsaglia 2003), its upper half around 0. */
static int32_t draw(asd_self_test_clip *clip)
{
    clip->random ^= clip->random << 13;
    clip->random ^= clip->random >> 17;
    clip->random ^= clip->random << 5;
    return (int32_t)(clip->random >> 16) - 32768;
}

/* Divisions, not shifts: both languages round them toward zero. Within +-26,624. */
void asd_self_test_samples(asd_self_test_clip *clip, int16_t *samples, uint32_t n_samples)
{
    for (uint32_t i = 0; i < n_samples; i++) {
        const int32_t noise = draw(clip);
        clip->rumble += (noise - clip->rumble) / 8;
        clip->phase += (1u << 26) + clip->index * SLIDE * 64u;
        const int32_t saw = (int32_t)(clip->phase >> 16) - 32768;
        const int32_t triangle = (saw < 0 ? -saw : saw) - 16384;
        const int32_t burst = clip->index % BURST_PERIOD < BURST_SAMPLES ? noise / 4 : 0;
        samples[i] = (int16_t)(clip->rumble / 2 + triangle / 8 + burst);
        clip->index++;
    }
}

typedef struct {
    asd_sha256 hash;
    uint32_t n_codes;
} hashed_output;

static void hash_output(void *context, const int8_t *codes)
{
    hashed_output *const output = context;
    asd_sha256_add(&output->hash, (const uint8_t *)codes, output->n_codes);
}

/* The one score of the clip. */
static asd_status score_clip(asd_detector *detector, const asd_bundle *bundle, int64_t *score_q16)
{
    asd_self_test_clip clip;
    int16_t block[BLOCK_SAMPLES];
    bool has_score = false;
    asd_status status = ASD_ERROR_NO_SCORE;
    asd_self_test_start(&clip, bundle->test_seed);
    for (uint32_t at = 0; at < bundle->test_samples && !has_score;) {
        const uint32_t left = bundle->test_samples - at, n = left < BLOCK_SAMPLES ? left : BLOCK_SAMPLES;
        asd_self_test_samples(&clip, block, n);
        at += n;
        for (uint32_t done = 0, n_taken = 0; done < n && !has_score; done += n_taken) {
            status = asd_detector_push(detector, &block[done], n - done, &n_taken, &has_score);
        }
    }
    if (!has_score) {
        status = asd_detector_finish(detector, &has_score);
    }
    *score_q16 = detector->score_q16;
    return has_score ? status : ASD_ERROR_NO_SCORE;
}

bool asd_self_test(asd_self_test_result *result, const asd_bundle *bundle, asd_detector *detector,
                   const asd_model *model, void *arena, uint32_t arena_bytes)
{
    const asd_image_tensor *const output = &model->tensors[model->header->output];
    hashed_output hashed = {.n_codes = (uint32_t)output->n_mels * output->n_channels};
    memset(result, 0, sizeof *result);
    result->status = asd_detector_start(detector, model, arena, arena_bytes, bundle->class_index);
    if (result->status != ASD_OK) {
        return false;
    }
    asd_sha256_start(&hashed.hash);
    detector->on_embedding = hash_output;
    detector->context = &hashed;
    result->status = score_clip(detector, bundle, &result->score_q16);
    asd_sha256_finish(&hashed.hash, result->output_sha256);
    detector->on_embedding = NULL;
    return result->status == ASD_OK && result->score_q16 == bundle->test_score_q16 &&
           memcmp(result->output_sha256, bundle->test_output_sha256, ASD_SHA256_BYTES) == 0;
}
