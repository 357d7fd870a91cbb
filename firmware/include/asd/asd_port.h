/* What a board, or a host, implements for the programs of apps/. */
#ifndef ASD_PORT_H
#define ASD_PORT_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes; all 0 on a host. */
typedef struct {
    uint32_t ram_bytes;        /* of the part */
    uint32_t static_bytes;     /* of the program's variables */
    uint32_t stack_bytes;      /* set aside for the stack */
    uint32_t stack_used_bytes; /* of it, so far at most */
} asd_port_memory_use;

/* Exactly n_bytes of the input; false at its end. */
bool asd_port_read(void *bytes, uint32_t n_bytes);

void asd_port_write(const void *bytes, uint32_t n_bytes);

/* Instructions executed so far, times a constant of the board, modulo 2^32; 0 where they can't be counted. */
uint32_t asd_port_ticks(void);

/* That constant times 1000. */
uint32_t asd_port_ticks_per_1000(void);

/* The slot of the flash that holds the model image; on a host the file model.asdm, 0 bytes where there is none. */
const void *asd_port_model(uint32_t *n_bytes);

/* RAM that the program's variables and its stack leave, from a multiple of 16 on. */
void *asd_port_arena(uint32_t *n_bytes);

void asd_port_memory(asd_port_memory_use *use);

/* End the program. */
void asd_port_exit(int32_t code);

#ifdef __cplusplus
}
#endif

#endif
