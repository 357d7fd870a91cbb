/* Instructions by a CMSDK timer, which counts down; it starts with the first reading. */
#ifndef CMSDK_TIMER_H
#define CMSDK_TIMER_H

#include <stdint.h>

static inline uint32_t asd_board_ticks(void)
{
    volatile uint32_t *const timer = (volatile uint32_t *)ASD_TIMER; /* control, value, reload */
    if (timer[0] == 0) {
        timer[2] = UINT32_MAX;
        timer[1] = UINT32_MAX;
        timer[0] = 1;
    }
    return UINT32_MAX - timer[1];
}

#endif
