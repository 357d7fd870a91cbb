/* A frame -> CRC-32 behind it, consistent overhead byte stuffing (Cheshire and Baker 1997), a zero. */
#include <string.h>

#include "asd/asd_link.h"
#include "asd_checks.h"

#define MOST_RUN 255u /* code of 254 bytes without a zero behind them */

typedef struct {
    uint8_t *encoded;
    uint32_t code_at; /* where the code of the run under way goes */
    uint32_t n_bytes;
} stuffing;

static void end_run(stuffing *to)
{
    to->encoded[to->code_at] = (uint8_t)(to->n_bytes - to->code_at);
    to->code_at = to->n_bytes++;
}

static void stuff(stuffing *to, const uint8_t *bytes, uint32_t n_bytes)
{
    for (uint32_t i = 0; i < n_bytes; i++) {
        if (bytes[i] != 0) {
            to->encoded[to->n_bytes++] = bytes[i];
        }
        if (bytes[i] == 0 || to->n_bytes - to->code_at == MOST_RUN) {
            end_run(to);
        }
    }
}

uint32_t asd_link_encode(const asd_link_frame *frame, uint8_t *encoded)
{
    const uint8_t header[ASD_LINK_HEADER_BYTES] = {frame->type, frame->sequence};
    const uint32_t crc = asd_crc32(asd_crc32(0, header, sizeof header), frame->body, frame->n_body);
    const uint8_t crc_bytes[ASD_LINK_CRC_BYTES] = {(uint8_t)crc, (uint8_t)(crc >> 8), (uint8_t)(crc >> 16),
                                                   (uint8_t)(crc >> 24)};
    stuffing to = {encoded, 0, 1};
    stuff(&to, header, sizeof header);
    stuff(&to, frame->body, frame->n_body);
    stuff(&to, crc_bytes, sizeof crc_bytes);
    end_run(&to);
    encoded[to.n_bytes - 1u] = 0;
    return to.n_bytes;
}
