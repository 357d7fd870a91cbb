/* What a board implements so that its flash holds models; every function may end in the middle, by a power cut. */
#ifndef ASD_FLASH_H
#define ASD_FLASH_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASD_FLASH_MAX_WORD_BYTES 32u

typedef struct {
    void *context;
    uint32_t page_bytes; /* that one erase sets to 0xFF */
    uint32_t word_bytes; /* that are programmed at once: 4 to 32, a power of two */

    /* False: the bytes can't be read, as where an error-correcting flash finds a word that a power cut spoilt. */
    bool (*read)(void *context, uint32_t address, uint8_t *bytes, uint32_t n_bytes);

    /* One page, from its first address. False: the flash reports an error. */
    bool (*erase)(void *context, uint32_t address);

    /* One word that has been erased. False: the flash reports an error. */
    bool (*program)(void *context, uint32_t address, const uint8_t *word);
} asd_flash;

#ifdef __cplusplus
}
#endif

#endif
