/* Reset of an emulated Cortex-M: data and zeros into RAM, FPU and MVE on, main. */
#include <stdint.h>

extern uint32_t asd_data_load[], asd_data_start[], asd_data_end[], asd_bss_start[], asd_bss_end[], asd_stack_top[];

int main(void);
void asd_reset(void);
void asd_fault(void);

typedef void (*vector)(void);

#define CPACR (*(volatile uint32_t *)0xE000ED88u)

void asd_fault(void)
{
    static const uint32_t run_time_error[2] = {0x20023u, 4u};
    register uint32_t operation __asm__("r0") = 0x20u;
    register const uint32_t *arguments __asm__("r1") = run_time_error;
    __asm__ volatile("bkpt 0xab" : : "r"(operation), "r"(arguments) : "memory");
    for (;;) {
    }
}

void asd_reset(void)
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
    (void)main();
    asd_fault();
}

__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack_top;
    vector handlers[15];
} vectors = {asd_stack_top, {asd_reset, asd_fault, asd_fault, asd_fault, asd_fault, asd_fault}};
