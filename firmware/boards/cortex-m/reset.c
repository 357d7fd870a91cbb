/* Reset of a Cortex-M: data and zeros into RAM, stack painted, FPU and MVE on, memory limited to the part's, main. */
#include "fault.h"
#include "limit_memory.h"
#include "linked_memory.h"

int main(void);
void asd_reset(void);
void asd_start(void);
void asd_no_interrupt(void);
void asd_systick(void) __attribute__((weak, alias("asd_no_interrupt")));

typedef void (*vector)(void);

#define CPACR (*(volatile uint32_t *)0xE000ED88u)

void asd_no_interrupt(void)
{
    asd_fault();
}

__attribute__((used)) void asd_start(void)
{
    uint32_t *to = asd_data_start;
    for (const uint32_t *from = asd_data_load; to < asd_data_end; to++, from++) {
        *to = *from;
    }
    for (to = asd_bss_start; to < asd_bss_end; to++) {
        *to = 0;
    }
    CPACR |= 0xFu << 20;
    __asm__ volatile("dsb\n isb" ::: "memory");
#if defined(__ARM_FEATURE_MVE)
    __asm__ volatile("vmsr fpscr, %0" : : "r"(4u << 16)); /* LTPSIZE: no tail predication */
#endif
    asd_limit_memory();
    (void)main();
    asd_fault();
}

/* The stack is still empty: it is painted whole. */
__attribute__((naked)) void asd_reset(void)
{
    __asm__ volatile("ldr r0, =asd_stack_bottom\n"
                     "ldr r1, =asd_stack_top\n"
                     "ldr r2, =0xA5D0A5D0\n"
                     "1: str r2, [r0], #4\n"
                     "cmp r0, r1\n"
                     "bne 1b\n"
                     "b asd_start\n"
                     ".ltorg\n");
}

__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack_top;
    vector handlers[15];
} vectors = {asd_stack_top,
             {asd_reset, asd_fault, asd_fault, asd_fault, asd_fault, asd_fault, asd_fault, asd_fault, asd_fault,
              asd_fault, asd_fault, asd_fault, asd_fault, asd_fault, asd_systick}};
