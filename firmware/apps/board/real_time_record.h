/* What real_time_check reads and writes. Little-endian. */
#ifndef REAL_TIME_RECORD_H
#define REAL_TIME_RECORD_H

#include <stdint.h>

/* In, first of all; the samples follow, int16. */
typedef struct {
    uint32_t class_index;
    uint32_t period;     /* ticks of the core's clock between 64 samples and the next */
    uint32_t busy_from;  /* the detector takes nothing while as many samples have come in, */
    uint32_t busy_until; /* and until as many have */
} real_time_setup;

typedef enum {
    REAL_TIME_SCORE = 1,    /* status, value: the score times 65536 */
    REAL_TIME_FINISHED = 2, /* the same, of a window that was still under way before a gap or at the end */
    REAL_TIME_GAP = 3,      /* the detector starts again */
    REAL_TIME_END = 4,      /* last of all; value: windows dropped */
} real_time_kind;

typedef struct {
    uint32_t kind;
    uint32_t status;
    int64_t value;
} real_time_record;

#endif
