/* The counter of MPS3-AN547: 32 MHz, 64 ns per instruction under -icount shift=6. */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

#define ASD_TIMER 0x58100000u
#define ASD_TICKS_PER_1000 2048
#define ASD_SERIAL 0x59303000u     /* UART0 */
#define ASD_SECOND_RAM 0x70000000u /* stands for a flash that can be programmed */

#include "cmsdk_uart.h"

/* An SSE counter counts up; it starts with the first reading. */
static inline uint32_t asd_board_ticks(void)
{
    volatile uint32_t *const counter = (volatile uint32_t *)ASD_TIMER; /* control, status, low, high */
    counter[0] = 1;
    return counter[2];
}

#endif
