/* Bytes of a noisy line -> the frames in them, encoded again, then how many were bad. */
#include "asd/asd_link.h"
#include "asd/asd_port.h"

int main(void)
{
    static asd_link_receiver receiver;
    static asd_link_frame frame;
    static uint8_t encoded[ASD_LINK_MAX_ENCODED + 1u];
    uint8_t byte = 0;
    while (asd_port_read(&byte, 1)) {
        if (asd_link_receive(&receiver, byte, &frame)) {
            asd_port_write(encoded, asd_link_encode(&frame, encoded));
        }
    }
    asd_port_write(&receiver.n_bad_frames, sizeof receiver.n_bad_frames);
    asd_port_exit(0);
    return 0;
}
