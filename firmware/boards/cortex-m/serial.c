/* The board's UART, polled. */
#include "asd/asd_serial.h"

#include "board.h"

bool asd_serial_read(uint8_t *byte)
{
    asd_board_serial_start();
    if (!asd_board_serial_has_byte()) {
        __asm__ volatile("yield"); /* an emulator can bring bytes meanwhile */
        return false;
    }
    *byte = asd_board_serial_byte();
    return true;
}

void asd_serial_write(const uint8_t *bytes, uint32_t n_bytes)
{
    asd_board_serial_start();
    for (uint32_t i = 0; i < n_bytes; i++) {
        asd_board_serial_send(bytes[i]);
    }
}
