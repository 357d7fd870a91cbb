/* What update_steps reads and writes. Little-endian. */
#ifndef UPDATE_STEP_RECORD_H
#define UPDATE_STEP_RECORD_H

#include <stdint.h>

/* In; the public key (32 bytes), the bundles and the steps follow. */
typedef struct {
    uint32_t page_bytes;
    uint32_t word_bytes;
    uint32_t slot_bytes;
    uint32_t n_bundles;
    uint32_t n_bundle; /* bytes of each */
    char board[32];
} update_step_setup;

typedef enum {
    STEP_BOOT,
    STEP_BEGIN, /* argument: which bundle */
    STEP_WRITE, /* likewise: its image */
    STEP_FINISH,
    STEP_CONFIRM,
    STEP_GO_BACK,
    STEP_ROT,  /* argument: the slot, whose image's first bit flips */
    STEP_WEAR, /* argument 1: no word can be programmed from now on; 0: again */
} update_step_kind;

typedef struct {
    uint32_t kind;
    uint32_t argument;
} update_step;

/* Out, of each step. */
typedef struct {
    uint32_t status;                  /* asd_update_status */
    uint32_t slot, version, is_trial; /* of a boot */
    uint32_t active;                  /* slot, by the log */
    uint32_t n_misused;               /* flash operations so far on the model that runs, or on what wasn't erased */
} update_step_result;

#endif
