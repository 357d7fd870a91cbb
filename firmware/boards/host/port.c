/* The port of a host: standard input and output; instructions aren't counted. */
#include "asd/asd_port.h"

#include <stdio.h>
#include <stdlib.h>

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

void asd_port_exit(int32_t code)
{
    exit(code);
}
