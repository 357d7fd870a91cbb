/* The port of an emulated board: files input.bin and output.bin by semihosting, instructions by the board's timer. */
#include "asd/asd_port.h"

#define SYS_OPEN 0x01u
#define SYS_WRITE 0x05u
#define SYS_READ 0x06u
#define SYS_EXIT_EXTENDED 0x20u
#define READ_BINARY 1u
#define WRITE_BINARY 5u
#define APPLICATION_EXIT 0x20026u

/* A CMSDK timer counts down, an SSE counter up; both start with the first reading. */
#if defined(ASD_CMSDK_TIMER)
#define TIMER_CONTROL (*(volatile uint32_t *)(ASD_CMSDK_TIMER + 0x0u))
#define TIMER_VALUE (*(volatile uint32_t *)(ASD_CMSDK_TIMER + 0x4u))
#define TIMER_RELOAD (*(volatile uint32_t *)(ASD_CMSDK_TIMER + 0x8u))
#elif defined(ASD_SSE_COUNTER)
#define COUNTER_CONTROL (*(volatile uint32_t *)(ASD_SSE_COUNTER + 0x0u))
#define COUNTER_VALUE (*(volatile uint32_t *)(ASD_SSE_COUNTER + 0x8u))
#endif

static uint32_t semihost(uint32_t operation, const void *arguments)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = arguments;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static uint32_t open_file(const char *name, uint32_t name_length, uint32_t mode)
{
    const uint32_t arguments[3] = {(uint32_t)(uintptr_t)name, mode, name_length};
    return semihost(SYS_OPEN, arguments);
}

bool asd_port_read(void *bytes, uint32_t n_bytes)
{
    static bool is_open = false;
    static uint32_t handle;
    if (!is_open) {
        handle = open_file("input.bin", 9, READ_BINARY);
        is_open = true;
    }
    const uint32_t arguments[3] = {handle, (uint32_t)(uintptr_t)bytes, n_bytes};
    return semihost(SYS_READ, arguments) == 0;
}

void asd_port_write(const void *bytes, uint32_t n_bytes)
{
    static bool is_open = false;
    static uint32_t handle;
    if (!is_open) {
        handle = open_file("output.bin", 10, WRITE_BINARY);
        is_open = true;
    }
    const uint32_t arguments[3] = {handle, (uint32_t)(uintptr_t)bytes, n_bytes};
    if (semihost(SYS_WRITE, arguments) != 0) {
        asd_port_exit(3);
    }
}

uint32_t asd_port_ticks(void)
{
#if defined(ASD_CMSDK_TIMER)
    if (TIMER_CONTROL == 0) {
        TIMER_RELOAD = UINT32_MAX;
        TIMER_VALUE = UINT32_MAX;
        TIMER_CONTROL = 1;
    }
    return UINT32_MAX - TIMER_VALUE;
#elif defined(ASD_SSE_COUNTER)
    COUNTER_CONTROL = 1;
    return COUNTER_VALUE;
#else
    return 0;
#endif
}

void asd_port_exit(int32_t code)
{
    const uint32_t arguments[2] = {APPLICATION_EXIT, (uint32_t)code};
    (void)semihost(SYS_EXIT_EXTENDED, arguments);
    for (;;) {
    }
}
