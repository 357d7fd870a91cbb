/* The timer of MPS2-AN386: 25 MHz, 64 ns per instruction under -icount shift=6. */
#ifndef BOARD_H
#define BOARD_H

#define ASD_TIMER 0x40000000u
#define ASD_TICKS_PER_1000 1600

#include "cmsdk_timer.h"

#endif
