/* asd-edge for a firmware of your own: audio in, anomaly scores out. C99 and C++.
 *
 *     static asd_model model;       the checked image, in flash
 *     static asd_detector detector; state of front end and scorer, about 4 KB
 *     static uint8_t arena[...];    state of the network: `asd-edge image info` says how many bytes
 *
 *     asd_model_load(&model, image, n_bytes);                          once; refuses what it can't trust
 *     asd_detector_start(&detector, &model, arena, sizeof arena, 3);   3: this machine is class 3 of the image's labels
 *     asd_detector_push(&detector, samples, n, &n_taken, &has_score);  as audio arrives, any number of samples
 *     asd_detector_finish(&detector, &has_score);                      where the audio ends
 *
 * apps/example/score_clip.c is a whole program. Nothing allocates, blocks or uses floating point; no function may be
 * called for one detector from two threads at once. A network without front end and score: asd_engine.h. */
#ifndef ASD_H
#define ASD_H

#include "asd/asd_detector.h"
#include "asd/asd_engine.h"
#include "asd/asd_image.h"
#include "asd/asd_status.h"

#endif
