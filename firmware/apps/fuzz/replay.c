/* Inputs of image_fuzz.c, each behind its size as uint32 -> how many were run: without libFuzzer. */
#include <stddef.h>

#include "asd/asd_port.h"

#define MOST_BYTES 65536u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int main(void)
{
    static uint8_t input[MOST_BYTES];
    uint32_t n_bytes = 0, n_inputs = 0;
    while (asd_port_read(&n_bytes, sizeof n_bytes)) {
        if (n_bytes > MOST_BYTES || !asd_port_read(input, n_bytes)) {
            return 1;
        }
        LLVMFuzzerTestOneInput(input, n_bytes);
        n_inputs++;
    }
    asd_port_write(&n_inputs, sizeof n_inputs);
    return 0;
}
