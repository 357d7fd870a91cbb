/* The port of a host: standard input and output, the model from a file; instructions aren't counted. */
#include "asd/asd_port.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODEL_BYTES (16u << 20)
#define ARENA_BYTES (32u << 20)

static uint8_t model[MODEL_BYTES] __attribute__((aligned(16)));
static uint8_t arena[ARENA_BYTES] __attribute__((aligned(16)));

bool asd_port_read(void *bytes, uint32_t n_bytes)
{
    return fread(bytes, 1, n_bytes, stdin) == n_bytes;
}

void asd_port_write(const void *bytes, uint32_t n_bytes)
{
    if (fwrite(bytes, 1, n_bytes, stdout) != n_bytes) {
        exit(3);
    }
}

uint32_t asd_port_ticks(void)
{
    return 0;
}

uint32_t asd_port_ticks_per_1000(void)
{
    return 1000;
}

const void *asd_port_model(uint32_t *n_bytes)
{
    FILE *const file = fopen("model.asdm", "rb");
    *n_bytes = 0;
    if (file != NULL) {
        *n_bytes = (uint32_t)fread(model, 1, sizeof model, file);
        (void)fclose(file);
    }
    return model;
}

void *asd_port_arena(uint32_t *n_bytes)
{
    *n_bytes = sizeof arena;
    return arena;
}

void asd_port_memory(asd_port_memory_use *use)
{
    memset(use, 0, sizeof *use);
}

void asd_port_exit(int32_t code)
{
    exit(code);
}
