/* The memory of a real part on a board that has more of it: windows of the MPU, PMSAv7 or PMSAv8, no background map. */
#include "limit_memory.h"

#include <stdbool.h>

#include "board.h"
#include "linked_memory.h"

#define MPU_CONTROL (*(volatile uint32_t *)0xE000ED94u)
#define MPU_NUMBER (*(volatile uint32_t *)0xE000ED98u)
#define MPU_BASE (*(volatile uint32_t *)0xE000ED9Cu)
#define MPU_LIMIT (*(volatile uint32_t *)0xE000EDA0u)
#define MPU_ATTRIBUTES (*(volatile uint32_t *)0xE000EDC0u)
#define ENABLE 1u
#define PERIPHERAL_BYTES 0x1000u
#define FIRST_MORE 5u

typedef enum { CODE_WINDOW = 0, DATA_WINDOW = 1, DEVICE_WINDOW = 2 } window_kind;

#if defined(__ARM_ARCH_8M_MAIN__) || defined(__ARM_ARCH_8_1M_MAIN__)

static void open_window(uint32_t number, uint32_t start, uint32_t end, window_kind kind)
{
    /* access: read and write 1, read only 3; never execute: bit 0 */
    static const uint32_t access[3] = {3u << 1, 1u << 1 | 1u, 1u << 1 | 1u};
    MPU_NUMBER = number;
    MPU_BASE = start | access[kind];
    MPU_LIMIT = ((end - 1u) & ~31u) | (kind == DEVICE_WINDOW ? 1u << 1 : 0u) | ENABLE;
}

static void limit_stack(void)
{
    __asm__ volatile("msr msplim, %0" : : "r"(asd_stack_bottom));
}

#else

/* A window of PMSAv7 is a power of two, in eighths that can be left out; start is at a multiple of that power. */
static void open_window(uint32_t number, uint32_t start, uint32_t end, window_kind kind)
{
    /* access: read and write 3, read only 6; never execute: bit 28; normal memory: C and B, device: B */
    static const uint32_t access[3] = {6u << 24 | 3u << 16, 3u << 24 | 1u << 28 | 3u << 16,
                                       3u << 24 | 1u << 28 | 1u << 16};
    uint32_t log2 = 8;
    while ((1u << log2) < end - start) {
        log2++;
    }
    const uint32_t n_eighths = (end - start) >> (log2 - 3u);
    const uint32_t left_out = (0xFFu << n_eighths) & 0xFFu;
    MPU_NUMBER = number;
    MPU_BASE = start;
    MPU_LIMIT = access[kind] | left_out << 8 | (log2 - 1u) << 1 | ENABLE;
}

static void limit_stack(void)
{
    /* the stack ends where the RAM begins: what it overflows into is no window */
}

#endif

static uint32_t address(const uint32_t *symbol)
{
    return (uint32_t)(uintptr_t)symbol;
}

static void open_peripheral(uint32_t number, uint32_t at)
{
    const uint32_t start = at & ~(PERIPHERAL_BYTES - 1u);
    open_window(number, start, start + PERIPHERAL_BYTES, DEVICE_WINDOW);
}

void asd_limit_memory(void)
{
    const bool is_one_flash = address(asd_code_end) == address(asd_model_start);
#if defined(__ARM_ARCH_8M_MAIN__) || defined(__ARM_ARCH_8_1M_MAIN__)
    MPU_ATTRIBUTES = 0x00FFu; /* 0: write-back memory; 1: device */
#endif
    limit_stack();
    open_window(0, address(asd_code_start), address(is_one_flash ? asd_model_end : asd_code_end), CODE_WINDOW);
    open_window(1, address(asd_ram_start), address(asd_ram_end), DATA_WINDOW);
    open_peripheral(2, ASD_TIMER);
    open_peripheral(3, ASD_SERIAL);
    if (!is_one_flash) {
        open_window(4, address(asd_model_start), address(asd_model_end), CODE_WINDOW);
    }
    MPU_CONTROL = ENABLE;
    __asm__ volatile("dsb\n isb" ::: "memory");
}

static uint32_t n_more = 0;

void asd_open_memory(uint32_t start, uint32_t n_bytes)
{
    open_window(FIRST_MORE + n_more++, start, start + n_bytes, DATA_WINDOW);
    __asm__ volatile("dsb\n isb" ::: "memory");
}

void asd_open_peripheral(uint32_t at)
{
    open_peripheral(FIRST_MORE + n_more++, at);
    __asm__ volatile("dsb\n isb" ::: "memory");
}
