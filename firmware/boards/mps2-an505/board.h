/* The timer of MPS2-AN505: 20 MHz, 64 ns per instruction under -icount shift=6. */
#ifndef BOARD_H
#define BOARD_H

#define ASD_TIMER 0x50000000u
#define ASD_TICKS_PER_1000 1280
#define ASD_SERIAL 0x50200000u     /* UART0 */
#define ASD_SECOND_RAM 0x80000000u /* stands for a flash that can be programmed */

#include "cmsdk_timer.h"
#include "cmsdk_uart.h"

#endif
