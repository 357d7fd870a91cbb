/* What power_cuts reads and writes. Little-endian. */
#ifndef POWER_CUT_RECORD_H
#define POWER_CUT_RECORD_H

#include <stdint.h>

/* In; the public key (32 bytes), the factory's bundle and the update follow. */
typedef struct {
    uint32_t page_bytes;
    uint32_t word_bytes;
    uint32_t slot_bytes;
    uint32_t n_first;  /* bytes of the factory's bundle; 0: it comes without a model */
    uint32_t n_second; /* of the update */
    uint32_t passes;   /* 1: the update passes its self-test; 0: it fails */
    uint32_t depth;    /* cuts in a case: 1 or 2; 0: a bit rots instead */
    uint32_t n_cases;  /* drawn by the seed; 0: all there are, of cuts */
    uint32_t seed;
    uint32_t is_rotten; /* 1: the active slot's model has rotted before the update, and the one before it runs */
    char board[32];
} power_cut_setup;

typedef enum {
    PHASE_FIRST_BOOT,
    PHASE_INSTALL,
    PHASE_TRIAL,
    PHASE_CONFIRM,
    PHASE_REVERT,
    PHASE_RECOVERY, /* from a reset by a cut until the device runs a model again */
    N_PHASES
} power_cut_phase;

/* Out. */
typedef struct {
    uint32_t n_operations[N_PHASES]; /* flash operations of a life without a cut */
    uint32_t n_cut[N_PHASES];        /* cases by the phase that the first cut fell into */
    uint32_t n_cut_again[N_PHASES];  /* and the second */
    uint32_t n_cases;
    uint32_t n_boots; /* each of them checked */
    uint32_t n_failures;
    uint32_t first_failure[6]; /* rule, first cut and its kind, second cut and its kind, boots until then */
} power_cut_result;

#endif
