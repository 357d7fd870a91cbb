/* Semihosting for AArch32 and A64 2.0: calls by BKPT 0xAB. */
#include "semihosting.h"

#define SYS_OPEN 0x01u
#define SYS_WRITE0 0x04u
#define SYS_WRITE 0x05u
#define SYS_READ 0x06u
#define SYS_EXIT_EXTENDED 0x20u
#define APPLICATION_EXIT 0x20026u

static uint32_t semihost(uint32_t operation, const void *arguments)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = arguments;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

uint32_t asd_semihost_open(const char *name, uint32_t name_length, uint32_t mode)
{
    const uint32_t arguments[3] = {(uint32_t)(uintptr_t)name, mode, name_length};
    return semihost(SYS_OPEN, arguments);
}

uint32_t asd_semihost_read(uint32_t handle, void *bytes, uint32_t n_bytes)
{
    const uint32_t arguments[3] = {handle, (uint32_t)(uintptr_t)bytes, n_bytes};
    return semihost(SYS_READ, arguments);
}

uint32_t asd_semihost_write(uint32_t handle, const void *bytes, uint32_t n_bytes)
{
    const uint32_t arguments[3] = {handle, (uint32_t)(uintptr_t)bytes, n_bytes};
    return semihost(SYS_WRITE, arguments);
}

void asd_semihost_print(const char *text)
{
    (void)semihost(SYS_WRITE0, text);
}

void asd_semihost_exit(int32_t code)
{
    const uint32_t arguments[2] = {APPLICATION_EXIT, (uint32_t)code};
    (void)semihost(SYS_EXIT_EXTENDED, arguments);
    for (;;) {
    }
}
