/* A board that a workstation reaches by a serial line: audio comes over it, scores go back. */
#include "asd/asd_link_session.h"
#include "asd/asd_port.h"
#include "asd/asd_serial.h"

static asd_link_session session;
static asd_link_receiver receiver;
static asd_link_frame request;
static uint8_t encoded[ASD_LINK_MAX_ENCODED + 1u];

int main(void)
{
    uint32_t slot_bytes = 0, arena_bytes = 0;
    const void *const slot = asd_port_model(&slot_bytes);
    void *const arena = asd_port_arena(&arena_bytes);
    asd_link_start(&session, ASD_BOARD_NAME, slot, slot_bytes, arena, arena_bytes);
    for (;;) {
        uint8_t byte = 0;
        if (asd_serial_read(&byte) && asd_link_receive(&receiver, byte, &request)) {
            asd_link_answer(&session, &request);
            asd_serial_write(encoded, asd_link_encode(&session.answer, encoded));
        }
    }
}
