/* A CMSDK UART (Arm DDI 0479, APB UART): data, state, control, interrupt, divider; it starts with its first use. */
#ifndef CMSDK_UART_H
#define CMSDK_UART_H

#include <stdbool.h>
#include <stdint.h>

#define ASD_UART ((volatile uint32_t *)ASD_SERIAL)

static inline void asd_board_serial_start(void)
{
    if (ASD_UART[2] == 0) {
        ASD_UART[4] = 217; /* 115,200 baud of 25 MHz; the emulator has no line to slow down */
        ASD_UART[2] = 3;   /* transmit and receive */
    }
}

static inline bool asd_board_serial_has_byte(void)
{
    return (ASD_UART[1] & 2u) != 0;
}

static inline uint8_t asd_board_serial_byte(void)
{
    return (uint8_t)ASD_UART[0];
}

static inline void asd_board_serial_send(uint8_t byte)
{
    while ((ASD_UART[1] & 1u) != 0) {
    }
    ASD_UART[0] = byte;
}

#endif
