/* From here on anything but the part's flash, its RAM, the board's timer and the core's own registers faults. */
#ifndef LIMIT_MEMORY_H
#define LIMIT_MEMORY_H

void asd_limit_memory(void);

#endif
