/* Inputs and bytes that a fuzzer has run, printed when it ends. */
#ifndef FUZZ_COUNT_H
#define FUZZ_COUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

void count_input(size_t n_bytes);

/* Ends the run as a finding, with the line that it stands in. */
void check_that(bool is_right, const char *what);

/* The next bytes of an input, or zeros where it has ended. */
typedef struct {
    const uint8_t *data;
    size_t n_bytes;
} fuzz_input;

uint32_t take(fuzz_input *input, uint32_t n_bytes);

#endif
