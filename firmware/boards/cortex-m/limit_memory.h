/* From here on anything but the part's flash, its RAM, the board's timer, its UART and the core's own
 * registers faults. */
#ifndef LIMIT_MEMORY_H
#define LIMIT_MEMORY_H

#include <stdint.h>

void asd_limit_memory(void);

/* More windows, for reading and writing: memory from a multiple of its size on, a power of two; a peripheral. */
void asd_open_memory(uint32_t start, uint32_t n_bytes);
void asd_open_peripheral(uint32_t at);

#endif
