/* Seed and count -> that many samples of the self-test's clip. */
#include "asd/asd_port.h"
#include "asd/asd_self_test.h"

int main(void)
{
    static int16_t block[100];
    uint32_t seed = 0, n_samples = 0;
    asd_self_test_clip clip;
    if (!asd_port_read(&seed, sizeof seed) || !asd_port_read(&n_samples, sizeof n_samples)) {
        asd_port_exit(1);
    }
    asd_self_test_start(&clip, seed);
    for (uint32_t at = 0; at < n_samples; at += 100u) {
        asd_self_test_samples(&clip, block, 100);
        asd_port_write(block, sizeof block);
    }
    asd_port_exit(0);
    return 0;
}
