/* Requests of a workstation -> a detector at work, and the answers; link/DESIGN.md has each body. */
#ifndef ASD_LINK_SESSION_H
#define ASD_LINK_SESSION_H

#include "asd/asd_detector.h"
#include "asd/asd_link.h"
#include "asd/asd_port.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ASD_LINK_MAX_CODES 512u /* of an embedding */

typedef enum {
    ASD_LINK_HELLO = 1,
    ASD_LINK_START = 2,
    ASD_LINK_SAMPLES = 3,
    ASD_LINK_FINISH = 4,
    ASD_LINK_MEMORY = 5,
    ASD_LINK_STATE = 16, /* from here on only of a board that takes updates */
    ASD_LINK_BEGIN = 17,
    ASD_LINK_WRITE = 18,
    ASD_LINK_INSTALL = 19,
    ASD_LINK_GO_BACK = 20,
    ASD_LINK_RESTART = 21,
    ASD_LINK_LISTEN = 22,   /* samples as from the microphone */
    ASD_LINK_ALARM = 0x7F,  /* from the board, unasked */
    ASD_LINK_ANSWER = 0x80, /* added to the request's type */
    ASD_LINK_REFUSAL = 0xFF,
} asd_link_type;

typedef enum {
    ASD_LINK_UNKNOWN_TYPE = 1,
    ASD_LINK_BAD_BODY = 2,
    ASD_LINK_NO_MODEL = 3,
    ASD_LINK_NOT_STARTED = 4,
    ASD_LINK_WRONG_PLACE = 5, /* samples that don't follow those before */
} asd_link_refusal;

/* Whether it knows a request that the session doesn't; then the answer's body is in *answer. */
typedef bool (*asd_link_extra_fn)(void *context, const asd_link_frame *request, asd_link_frame *answer);

/* The caller's; start with asd_link_start. */
typedef struct {
    const char *board;
    asd_link_extra_fn extra; /* NULL: none; set it after the start */
    void *extra_context;
    asd_model model;
    asd_status model_status;
    asd_detector detector;
    void *arena;
    uint32_t arena_bytes;
    bool is_started;
    bool has_answered;
    uint32_t n_samples; /* taken since the start */
    uint32_t n_codes;
    int8_t codes[ASD_LINK_MAX_CODES]; /* of the newest score */
    uint8_t request_type;             /* that `answer` belongs to */
    asd_link_frame answer;
} asd_link_session;

/* Load the model image at `image`; its status goes into every HELLO. */
void asd_link_start(asd_link_session *session, const char *board, const void *image, uint32_t n_bytes, void *arena,
                    uint32_t arena_bytes);

/* session->answer is what goes back. The same request again (its type and sequence) gets the same answer and is not
 * carried out twice: the answer may have been lost. */
void asd_link_answer(asd_link_session *session, const asd_link_frame *request);

#ifdef __cplusplus
}
#endif

#endif
