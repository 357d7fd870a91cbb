/* TIM2 of an STM32F405, 1 GHz in QEMU, divided by 64: one tick per instruction of 64 ns under -icount shift=6. */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

#define ASD_TIMER 0x40000000u
#define ASD_TICKS_PER_1000 1000

static inline uint32_t asd_board_ticks(void)
{
    volatile uint32_t *const timer = (volatile uint32_t *)ASD_TIMER;
    if ((timer[0] & 1u) == 0) {       /* CR1 */
        timer[0x28 / 4] = 63;         /* PSC */
        timer[0x2C / 4] = UINT32_MAX; /* ARR */
        timer[0x14 / 4] = 1;          /* EGR: take over both */
        timer[0] = 1;
    }
    return timer[0x24 / 4]; /* CNT */
}

#endif
