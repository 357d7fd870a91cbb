/* TIM2 of an STM32F405, 1 GHz in QEMU, divided by 64: one tick per instruction of 64 ns under -icount shift=6. */
#ifndef BOARD_H
#define BOARD_H

#include <stdbool.h>
#include <stdint.h>

#define ASD_TIMER 0x40000000u
#define ASD_TICKS_PER_1000 1000
#define ASD_SERIAL 0x40011000u /* USART1 */

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

/* USART of RM0090: status, data, baud rate, control 1; it starts with its first use. */
static inline void asd_board_serial_start(void)
{
    volatile uint32_t *const uart = (volatile uint32_t *)ASD_SERIAL;
    if (uart[3] == 0) {
        uart[2] = 729;                          /* 115,200 baud of 84 MHz; the emulator has no line to slow down */
        uart[3] = 1u << 13 | 1u << 3 | 1u << 2; /* on, transmit, receive */
    }
}

static inline bool asd_board_serial_has_byte(void)
{
    return (((volatile uint32_t *)ASD_SERIAL)[0] & 1u << 5) != 0;
}

static inline uint8_t asd_board_serial_byte(void)
{
    return (uint8_t)((volatile uint32_t *)ASD_SERIAL)[1];
}

static inline void asd_board_serial_send(uint8_t byte)
{
    while ((((volatile uint32_t *)ASD_SERIAL)[0] & 1u << 7) == 0) {
    }
    ((volatile uint32_t *)ASD_SERIAL)[1] = byte;
}

#endif
