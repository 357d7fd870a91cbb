/* What score_clips reads and writes. Little-endian. */
#ifndef SCORE_RECORD_H
#define SCORE_RECORD_H

#include <stdint.h>

/* In: a clip; its samples follow, int16. */
typedef struct {
    uint32_t class_index;
    uint32_t n_samples;
    uint32_t is_continued; /* 1: right behind the clip before it, into the same detector; 0: into a new one */
    uint32_t is_last;      /* 1: the audio ends with it */
} score_clip;

/* Out, first of all. */
typedef struct {
    uint32_t status; /* asd_status of asd_model_load */
    uint32_t ticks_per_1000;
    uint32_t mark_ticks; /* that 64 marks add to what they measure; 0: there are no marks */
    uint32_t ram_bytes;
    uint32_t static_bytes; /* all variables; of them: */
    uint32_t detector_bytes;
    uint32_t audio_bytes;
    uint32_t counting_bytes; /* of the program that reads clips and counts: no product has them */
    uint32_t arena_bytes;
    uint32_t free_bytes; /* for the arena */
    uint32_t stack_bytes;
    uint32_t reserved;
} score_start;

typedef enum {
    SCORE_BLOCK = 1,  /* size: columns that went into the network, status: samples that came in, value: ticks;
                       * no samples: of what was under way where the audio ended */
    SCORE_OUTPUT = 2, /* of the network; `size` codes follow, int8 */
    SCORE_FOUND = 3,  /* status, value: the score times 65536 */
    SCORE_PART =
        4, /* with marks, behind a clip; size: the part, status: how often it came on, value: ticks since start */
    SCORE_CLIP = 5, /* behind a clip; status: windows dropped, value: stack used so far, bytes */
} score_kind;

typedef struct {
    uint16_t kind;
    uint16_t size;
    uint32_t status;
    int64_t value;
} score_record;

#endif
