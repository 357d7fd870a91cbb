/* Bytes of a line -> frames. Every zero begins anew, so that one bad byte costs one frame. */
#include <string.h>

#include "asd/asd_link.h"
#include "asd_checks.h"

/* Takes the stuffing out in place; how many bytes are left, 0 where a code points behind the end. */
static uint32_t unstuff(uint8_t *bytes, uint32_t n_bytes)
{
    uint32_t n_raw = 0;
    for (uint32_t i = 0; i < n_bytes;) {
        const uint32_t code = bytes[i];
        if (code > n_bytes - i) {
            return 0;
        }
        memmove(&bytes[n_raw], &bytes[i + 1u], code - 1u);
        n_raw += code - 1u;
        i += code;
        if (code != 255u && i < n_bytes) {
            bytes[n_raw++] = 0;
        }
    }
    return n_raw;
}

static bool read_frame(const uint8_t *raw, uint32_t n_raw, asd_link_frame *frame)
{
    if (n_raw < ASD_LINK_HEADER_BYTES + ASD_LINK_CRC_BYTES || n_raw > ASD_LINK_MAX_RAW) {
        return false;
    }
    const uint32_t n_checked = n_raw - ASD_LINK_CRC_BYTES;
    const uint8_t *const crc = &raw[n_checked];
    const uint32_t said = (uint32_t)crc[0] | (uint32_t)crc[1] << 8 | (uint32_t)crc[2] << 16 | (uint32_t)crc[3] << 24;
    if (asd_crc32(0, raw, n_checked) != said) {
        return false;
    }
    frame->type = raw[0];
    frame->sequence = raw[1];
    frame->n_body = n_checked - ASD_LINK_HEADER_BYTES;
    memcpy(frame->body, &raw[ASD_LINK_HEADER_BYTES], frame->n_body);
    return true;
}

bool asd_link_receive(asd_link_receiver *receiver, uint8_t byte, asd_link_frame *frame)
{
    if (byte != 0) {
        if (receiver->n_bytes == ASD_LINK_MAX_ENCODED) {
            receiver->is_too_long = true;
        } else {
            receiver->bytes[receiver->n_bytes++] = byte;
        }
        return false;
    }
    const uint32_t n_bytes = receiver->n_bytes;
    const bool is_too_long = receiver->is_too_long;
    receiver->n_bytes = 0;
    receiver->is_too_long = false;
    if (n_bytes == 0) {
        return false; /* zeros between frames are idle */
    }
    const bool is_frame = !is_too_long && read_frame(receiver->bytes, unstuff(receiver->bytes, n_bytes), frame);
    receiver->n_bad_frames += is_frame ? 0u : 1u;
    return is_frame;
}
