/* Steps that the plain kernels share. */
#ifndef ASD_KERNEL_STEPS_H
#define ASD_KERNEL_STEPS_H

#include "asd_kernels.h"

#define ASD_PATCHES 4u         /* positions that share each weight that is read */
#define ASD_BLOCK_CHANNELS 32u /* whose sums are on the stack */

/* Compiled a second time for AVX2, chosen when the program starts; the bits are the same. Clang 14 can't link that. */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__OPTIMIZE__) && !defined(__clang__)
#define ASD_VECTOR_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define ASD_VECTOR_CLONES
#endif

/* Rows of a kernel's window that lie on the map; there is at least one. */
typedef struct {
    uint32_t first; /* of the kernel */
    uint32_t n;
} asd_kernel_rows;

static inline asd_kernel_rows asd_rows_on_map(uint32_t start, uint32_t kernel_mel, uint32_t pad_mel, uint32_t n_mels)
{
    const uint32_t first = start < pad_mel ? pad_mel - start : 0u;
    const uint32_t end = start + kernel_mel > n_mels + pad_mel ? n_mels + pad_mel - start : kernel_mel;
    const asd_kernel_rows rows = {first, end - first};
    return rows;
}

/* Codes of n patches [n][n_taps], 1..ASD_PATCHES of them, without their zero point, times
 * weights [n_channels_out][n_taps] -> codes [n][n_channels_out]. */
void asd_multiply_patches_s16(const asd_conv2d_params *params, const int16_t *patches, uint32_t n, uint32_t n_taps,
                              int8_t *output);

#endif
