/* A serial line -> checked frames and back; link/DESIGN.md has each byte. The line may lose, alter or invent bytes. */
#ifndef ASD_LINK_H
#define ASD_LINK_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASD_LINK_VERSION 1u
#define ASD_LINK_MAX_BODY 1040u
#define ASD_LINK_HEADER_BYTES 2u /* type, sequence */
#define ASD_LINK_CRC_BYTES 4u
#define ASD_LINK_MAX_RAW (ASD_LINK_HEADER_BYTES + ASD_LINK_MAX_BODY + ASD_LINK_CRC_BYTES)
#define ASD_LINK_MAX_ENCODED (ASD_LINK_MAX_RAW + ASD_LINK_MAX_RAW / 254u + 1u) /* without the zero that ends it */

typedef struct {
    uint8_t type;
    uint8_t sequence;
    uint32_t n_body;
    uint8_t body[ASD_LINK_MAX_BODY];
} asd_link_frame;

/* The caller's; all zeros at the start. */
typedef struct {
    uint8_t bytes[ASD_LINK_MAX_ENCODED];
    uint32_t n_bytes;
    bool is_too_long;      /* what has come since the last zero can't be a frame */
    uint32_t n_bad_frames; /* refused so far */
} asd_link_receiver;

/* One byte of the line. True: it ended a frame whose CRC is right, now in *frame. */
bool asd_link_receive(asd_link_receiver *receiver, uint8_t byte, asd_link_frame *frame);

/* What goes onto the line, the zero that ends it included, into at least ASD_LINK_MAX_ENCODED + 1 bytes; how many. */
uint32_t asd_link_encode(const asd_link_frame *frame, uint8_t *encoded);

#ifdef __cplusplus
}
#endif

#endif
