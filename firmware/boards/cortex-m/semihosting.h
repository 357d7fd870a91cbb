/* Arm semihosting: what the emulator, or a debugger, does for a program. */
#ifndef SEMIHOSTING_H
#define SEMIHOSTING_H

#include <stddef.h>
#include <stdint.h>

#define ASD_SEMIHOST_READ 1u  /* binary */
#define ASD_SEMIHOST_WRITE 5u /* binary */

/* A handle; 0xFFFFFFFF where the file can't be opened. */
uint32_t asd_semihost_open(const char *name, uint32_t name_length, uint32_t mode);

/* How many of n_bytes were not read, or not written. */
uint32_t asd_semihost_read(uint32_t handle, void *bytes, uint32_t n_bytes);
uint32_t asd_semihost_write(uint32_t handle, const void *bytes, uint32_t n_bytes);

/* On the console. */
void asd_semihost_print(const char *text);

/* End the run; `code` is what the emulator exits with. */
void asd_semihost_exit(int32_t code);

#endif
