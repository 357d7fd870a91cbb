/* The port of QEMU's `virt` without an operating system: files by semihosting, instructions by the virtual counter. */
#include "asd/asd_port.h"

#include <stddef.h>

#define SYS_OPEN 0x01u
#define SYS_WRITE0 0x04u
#define SYS_WRITE 0x05u
#define SYS_READ 0x06u
#define SYS_EXIT 0x18u
#define READ_BINARY 1u
#define WRITE_BINARY 5u
#define APPLICATION_EXIT 0x20026u
#define STACK_PAINT UINT64_C(0xA5D0A5D0A5D0A5D0)
#define TICKS_PER_1000 4000u /* 62.5 MHz, 64 ns per instruction under -icount shift=6 */
#define FAULT_CODE 70
#define WRITE_FAILED 3

extern uint64_t asd_stack_bottom[], asd_stack_top[], asd_bss_start[], asd_bss_end[];
extern uint64_t asd_model_start[], asd_model_end[], asd_arena_start[], asd_arena_end[];

void asd_report_exception(uint64_t syndrome, uint64_t pc, uint64_t address);

static uint64_t semihost(uint64_t operation, const void *arguments)
{
    register uint64_t x0 __asm__("x0") = operation;
    register const void *x1 __asm__("x1") = arguments;
    __asm__ volatile("hlt #0xF000" : "+r"(x0) : "r"(x1) : "memory");
    return x0;
}

static uint64_t open_file(const char *name, uint64_t name_length, uint64_t mode)
{
    const uint64_t arguments[3] = {(uintptr_t)name, mode, name_length};
    return semihost(SYS_OPEN, arguments);
}

bool asd_port_read(void *bytes, uint32_t n_bytes)
{
    static bool is_open = false;
    static uint64_t handle;
    if (!is_open) {
        handle = open_file("input.bin", 9, READ_BINARY);
        is_open = true;
    }
    const uint64_t arguments[3] = {handle, (uintptr_t)bytes, n_bytes};
    return semihost(SYS_READ, arguments) == 0;
}

void asd_port_write(const void *bytes, uint32_t n_bytes)
{
    static bool is_open = false;
    static uint64_t handle;
    if (!is_open) {
        handle = open_file("output.bin", 10, WRITE_BINARY);
        is_open = true;
    }
    const uint64_t arguments[3] = {handle, (uintptr_t)bytes, n_bytes};
    if (semihost(SYS_WRITE, arguments) != 0) {
        asd_port_exit(WRITE_FAILED);
    }
}

uint32_t asd_port_ticks(void)
{
    uint64_t ticks;
    __asm__ volatile("isb\n mrs %0, cntvct_el0" : "=r"(ticks)::"memory");
    return (uint32_t)ticks;
}

uint32_t asd_port_ticks_per_1000(void)
{
    return TICKS_PER_1000;
}

static uint32_t distance(const uint64_t *start, const uint64_t *end)
{
    return (uint32_t)((uintptr_t)end - (uintptr_t)start);
}

const void *asd_port_model(uint32_t *n_bytes)
{
    *n_bytes = distance(asd_model_start, asd_model_end);
    return asd_model_start;
}

void *asd_port_arena(uint32_t *n_bytes)
{
    *n_bytes = distance(asd_arena_start, asd_arena_end);
    return asd_arena_start;
}

void asd_port_memory(asd_port_memory_use *use)
{
    const uint64_t *free = asd_stack_bottom;
    while (free < asd_stack_top && *free == STACK_PAINT) {
        free++;
    }
    use->ram_bytes = 0; /* no part has been chosen */
    use->static_bytes = distance(asd_bss_start, asd_bss_end);
    use->stack_bytes = distance(asd_stack_bottom, asd_stack_top);
    use->stack_used_bytes = distance(free, asd_stack_top);
}

static void print_hex(const char *name, uint64_t value)
{
    char text[19] = "0x";
    for (uint32_t i = 0; i < 16; i++) {
        text[2 + i] = "0123456789abcdef"[value >> (60 - 4 * i) & 15u];
    }
    text[18] = '\0';
    (void)semihost(SYS_WRITE0, name);
    (void)semihost(SYS_WRITE0, text);
}

__attribute__((used)) void asd_report_exception(uint64_t syndrome, uint64_t pc, uint64_t address)
{
    print_hex("fault: exception, ESR ", syndrome);
    print_hex(", pc ", pc);
    print_hex(", at ", address);
    (void)semihost(SYS_WRITE0, "\n");
    asd_port_exit(FAULT_CODE);
}

void asd_port_exit(int32_t code)
{
    const uint64_t arguments[2] = {APPLICATION_EXIT, (uint64_t)code};
    (void)semihost(SYS_EXIT, arguments);
    for (;;) {
    }
}
