/* A flash in memory whose power can fail at any operation, and leave behind what a real one might. */
#ifndef SIMULATED_FLASH_H
#define SIMULATED_FLASH_H

#include "asd/asd_flash.h"

#define FLASH_MOST_BYTES (4u << 20)
#define FLASH_NEVER UINT32_MAX

/* What a cut leaves of the word or page under way. */
typedef enum { CUT_BEFORE, CUT_AFTER, CUT_TORN, CUT_UNREADABLE, N_CUTS } flash_cut;

typedef struct {
    uint8_t bytes[FLASH_MOST_BYTES];
    uint32_t n_bytes, page_bytes, word_bytes;
    uint32_t bad_from, bad_until;   /* what can't be read until its page is erased */
    uint32_t kept_from, kept_until; /* of the model that runs: no operation may touch it */
    bool is_worn;                   /* no word can be programmed any more */
    uint32_t random;                /* xorshift32, never 0 */
    uint32_t n_operations;          /* erased pages and programmed words so far */
    uint32_t *counter;              /* one more place that counts them */
    uint32_t cut_at;                /* the operation whose power fails; FLASH_NEVER: none */
    flash_cut cut;
    void (*on_cut)(void); /* does not return */
    uint32_t n_misused;   /* words programmed that weren't erased, addresses outside, operations on what runs */
} simulated_flash;

/* The functions of asd_flash on `flash`. */
asd_flash simulate_flash(simulated_flash *flash);

uint32_t next_random(uint32_t *state);

#endif
