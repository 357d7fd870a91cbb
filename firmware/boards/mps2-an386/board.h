/* The timer of MPS2-AN386: 25 MHz, 64 ns per instruction under -icount shift=6. */
#ifndef BOARD_H
#define BOARD_H

#define ASD_TIMER 0x40000000u
#define ASD_TICKS_PER_1000 1600
#define ASD_SERIAL 0x40004000u     /* UART0 */
#define ASD_SECOND_RAM 0x21000000u /* stands for a flash that can be programmed */
#define ASD_WATCHDOG 0x40008000u

#include "cmsdk_timer.h"
#include "cmsdk_uart.h"

#endif
