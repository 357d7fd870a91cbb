/* Audio between an interrupt that brings samples and a main loop that is sometimes busy for longer than a hop.
 *
 * One producer (push), one consumer (peek, release); neither waits. Where the room is full, the rest of that window is
 * dropped, the window is counted, and the next one starts clean at its boundary: a score is of a whole window or there
 * is none. Where peek says so, the consumer calls asd_detector_finish until there is no score left, since those of
 * whole windows before the gap may still be under way, and then asd_detector_start. */
#ifndef ASD_AUDIO_BUFFER_H
#define ASD_AUDIO_BUFFER_H

#include <stdbool.h>
#include <stdint.h>

#include "asd/asd_status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The caller's. Positions count samples since the start, modulo 2^32. */
typedef struct {
    int16_t *room;
    uint32_t n_room; /* samples, a power of two */
    uint32_t window_samples;
    uint32_t n_of_window;        /* samples of the window that is coming in, dropped ones included: the producer's */
    bool is_dropping;            /* until that window ends: the producer's */
    uint32_t n_written;          /* position of the producer */
    uint32_t n_read;             /* position of the consumer */
    uint32_t window_start;       /* position at which the window that is coming in began: the producer's */
    uint32_t gap_start, gap_end; /* positions of what there is of a window that was dropped: samples to leave out */
    bool has_gap;                /* set by the producer, cleared by the consumer */
    uint32_t n_windows_dropped;  /* so far: the producer's */
    uint32_t most_samples;       /* that ever waited: the producer's */
} asd_audio_buffer;

/* ASD_ERROR_ARGUMENT unless n_room is a power of two up to 2^30 and window_samples is not 0. */
asd_status asd_audio_buffer_start(asd_audio_buffer *buffer, int16_t *room, uint32_t n_room, uint32_t window_samples);

/* From the interrupt: n samples that came in. */
void asd_audio_buffer_push(asd_audio_buffer *buffer, const int16_t *samples, uint32_t n);

/* From the main loop: the oldest samples waiting, *samples on, as many as lie in one piece; 0: none. *is_new: what
 * comes from here on is the start of a window behind a gap; the rest of the window before it will not come. It is said
 * once, with 0 samples: finish and start the detector then, the window's first samples come with a later call. */
uint32_t asd_audio_buffer_peek(asd_audio_buffer *buffer, const int16_t **samples, bool *is_new);

/* The first n of them are no longer needed. */
void asd_audio_buffer_release(asd_audio_buffer *buffer, uint32_t n);

#ifdef __cplusplus
}
#endif

#endif
