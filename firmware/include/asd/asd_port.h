/* What a board, or a host, implements for the check and bench programs. */
#ifndef ASD_PORT_H
#define ASD_PORT_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Exactly n_bytes of the input; false at its end. */
bool asd_port_read(void *bytes, uint32_t n_bytes);

void asd_port_write(const void *bytes, uint32_t n_bytes);

/* Instructions executed so far, modulo 2^32, times a constant of the board; 0 where they can't be counted. */
uint32_t asd_port_ticks(void);

/* End the program. */
void asd_port_exit(int32_t code);

#ifdef __cplusplus
}
#endif

#endif
