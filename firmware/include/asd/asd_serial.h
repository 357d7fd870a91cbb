/* What a board with a serial line implements, beside asd_port.h; a host has pipes in its place. */
#ifndef ASD_SERIAL_H
#define ASD_SERIAL_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The next byte that has come; false: none has. */
bool asd_serial_read(uint8_t *byte);

/* Returns when the last byte is with the transmitter. */
void asd_serial_write(const uint8_t *bytes, uint32_t n_bytes);

#ifdef __cplusplus
}
#endif

#endif
