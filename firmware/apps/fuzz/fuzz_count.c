/* What the fuzzers share: counting, and a check that stops at once. */
#include "fuzz_count.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t n_inputs, n_all;

static void say(void)
{
    fprintf(stderr, "fuzzed %llu inputs, %llu bytes\n", (unsigned long long)n_inputs, (unsigned long long)n_all);
}

void count_input(size_t n_bytes)
{
    if (n_inputs == 0 && atexit(say) != 0) {
        abort();
    }
    n_inputs++;
    n_all += n_bytes;
}

void check_that(bool is_right, const char *what)
{
    if (!is_right) {
        fprintf(stderr, "broken: %s\n", what);
        abort();
    }
}

uint32_t take(fuzz_input *input, uint32_t n_bytes)
{
    uint32_t value = 0;
    for (uint32_t i = 0; i < n_bytes && input->n_bytes > 0; i++, input->n_bytes--) {
        value |= (uint32_t)*input->data++ << (8u * i);
    }
    return value;
}
