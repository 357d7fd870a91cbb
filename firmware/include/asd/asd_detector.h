/* int16 samples at 16 kHz, any number at a time -> anomaly scores: front end, network and scorer of one model image.
 *
 * An image of windows gives a score per clip_samples, one window right behind the other; an endless image one for each
 * column of its output. */
#ifndef ASD_DETECTOR_H
#define ASD_DETECTOR_H

#include "asd/asd_engine.h"
#include "asd/asd_frontend.h"
#include "asd/asd_scorer.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ASD_MAX_CONTEXT 5u /* frames of one vector of an autoencoder */

/* The caller's; start with asd_detector_start. It must not move. */
typedef struct {
    asd_engine engine;
    asd_frontend_params frontend_params;
    asd_fir_taps fir;
    asd_frontend_state frontend;
    asd_frontend_scratch *scratch; /* in the arena */
    asd_frontend_frame frame;
    asd_arcface_params arcface;
    asd_reconstruction_params reconstruction;
    asd_reconstruction_state errors;
    int16_t recent[ASD_MAX_CONTEXT][ASD_N_MELS]; /* log-Mel frames in 1/256 dB, oldest first; reconstruction only */
    uint32_t class_index;
    uint32_t n_samples;         /* of this window */
    uint32_t n_frames;          /* of this window */
    int64_t score_q16;          /* the newest: log-odds, or mean squared error in dB^2, times 65536 */
    asd_status status;          /* of that score */
    bool has_score;             /* which has not been handed out */
    asd_output_fn on_embedding; /* NULL, or set after the start: gets what the score is made of */
    void *context;
} asd_detector;

/* Begin a stream. class_index: the machine that the sound claims to be, an index into the image's labels; any where the
 * score is a reconstruction's. ASD_ERROR_NO_DETECTOR: the image is a network alone; ASD_ERROR_ARGUMENT: it has no such
 * class; ASD_ERROR_ARENA: see asd_engine_start. May be called again at any time; scores under way are lost. */
asd_status asd_detector_start(asd_detector *detector, const asd_model *model, void *arena, uint32_t arena_bytes,
                              uint32_t class_index);

/* Take samples until a score is there or none is left; call again with the rest. *n_taken of them were taken. Where
 * *has_score is true, detector->score_q16 is the score if ASD_OK is returned; any other status, ASD_ERROR_NO_SCORE as a
 * rule, is that window's: it has no score, and the stream goes on. */
asd_status asd_detector_push(asd_detector *detector, const int16_t *samples, uint32_t n_samples, uint32_t *n_taken,
                             bool *has_score);

/* No more samples will come, or none without a gap: the next score that is still under way, if there is one, with its
 * status as in asd_detector_push; call until *has_score is false. A window that isn't whole gives none. */
asd_status asd_detector_finish(asd_detector *detector, bool *has_score);

#ifdef __cplusplus
}
#endif

#endif
