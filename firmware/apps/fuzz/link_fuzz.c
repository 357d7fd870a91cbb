/* Any bytes -> what a hostile workstation sends, framed or not -> a session with a detector and an updater; for
 * libFuzzer. The model image is compiled in. */
#define _POSIX_C_SOURCE 200112L /* posix_memalign */

#include <stdlib.h>
#include <string.h>

#include "asd/asd_link_update.h"
#include "fuzz_count.h"
#include "fuzz_flash.h"

#define MOST_ARENA_BYTES (1u << 20)
#define MOST_SCRIPT_BYTES 8192u
#define FRAMED 0x80u
#define SPOILT 0x40u

extern const uint8_t asd_model_image[];
extern const uint32_t asd_model_image_bytes;

/* The line in both directions: bytes come in, each answer is framed as it would go out. */
typedef struct {
    asd_link_receiver receiver;
    asd_link_session session;
    asd_link_frame frame;
    uint8_t encoded[ASD_LINK_MAX_ENCODED + 1u];
} link_end;

static void answer(link_end *end)
{
    const uint8_t type = end->frame.type, sequence = end->frame.sequence;
    check_that(end->frame.n_body <= ASD_LINK_MAX_BODY, "a request has room");
    asd_link_answer(&end->session, &end->frame);
    const asd_link_frame *const given = &end->session.answer;
    check_that(given->n_body <= ASD_LINK_MAX_BODY, "an answer has room");
    check_that(given->sequence == sequence, "an answer has its request's number");
    check_that(given->type == ASD_LINK_REFUSAL || given->type == (uint8_t)(type | ASD_LINK_ANSWER),
               "an answer has its request's type, or refuses it");
    const uint32_t n_encoded = asd_link_encode(given, end->encoded);
    check_that(n_encoded <= sizeof end->encoded && end->encoded[n_encoded - 1u] == 0, "what goes out fits and ends");
    check_that(memchr(end->encoded, 0, n_encoded - 1u) == NULL, "a zero ends a frame and nothing else");
}

static void receive(link_end *end, uint8_t byte)
{
    if (asd_link_receive(&end->receiver, byte, &end->frame)) {
        answer(end);
    }
    check_that(end->receiver.n_bytes <= ASD_LINK_MAX_ENCODED, "the line's buffer has an end");
}

static void send_frame(link_end *end, fuzz_input *input, uint32_t how)
{
    static asd_link_frame frame;
    static uint8_t line[ASD_LINK_MAX_ENCODED + 1u];
    frame.type = (uint8_t)take(input, 1);
    frame.sequence = (uint8_t)take(input, 1);
    frame.n_body = take(input, 2) % (ASD_LINK_MAX_BODY + 1u);
    for (uint32_t i = 0; i < frame.n_body; i++) {
        frame.body[i] = (uint8_t)take(input, 1);
    }
    const uint32_t n_bytes = asd_link_encode(&frame, line);
    if ((how & SPOILT) != 0) {
        line[take(input, 2) % n_bytes] ^= (uint8_t)take(input, 1);
    }
    for (uint32_t i = 0; i < n_bytes; i++) {
        receive(end, line[i]);
    }
}

static void check_flash(const asd_update_settings *settings, const fuzz_flash *flash)
{
    asd_update update;
    asd_bundle bundle;
    uint32_t slot = 0;
    bool is_trial = false;
    asd_update_open(&update, settings);
    if (asd_update_boot(&update, &slot, &bundle, &is_trial) == ASD_UPDATE_OK) {
        const uint8_t *const found = &flash->bytes[LOG_BYTES + slot * SLOT_BYTES];
        check_that(is_for_this_device(found) && is_whole(found), "what boots is signed, for this device and whole");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    static link_end end;
    static fuzz_flash flash;
    static asd_bundle running;
    asd_update update;
    asd_link_updater updater = {.update = &update, .running = &running, .boot_status = ASD_UPDATE_NO_MODEL};
    fuzz_input input = {data, n_bytes};
    asd_model model;
    void *arena = NULL;
    if (n_bytes > MOST_SCRIPT_BYTES) {
        return 0;
    }
    count_input(n_bytes);
    check_that(asd_model_load(&model, asd_model_image, asd_model_image_bytes) == ASD_OK && model.detector != NULL &&
                   model.header->arena_bytes <= MOST_ARENA_BYTES,
               "the image that is compiled in is a detector");
    if (posix_memalign(&arena, ASD_IMAGE_ALIGNMENT, model.header->arena_bytes) != 0) {
        abort();
    }
    memset(&end, 0, sizeof end);
    memset(&flash, 0xFF, sizeof flash);
    memset(flash.is_bad, 0, sizeof flash.is_bad);
    flash.may_change_from = 0;
    flash.may_change_until = LOG_BYTES + SLOT_BYTES; /* without a model that was confirmed: slot 0 alone */
    const asd_update_settings settings = fuzz_settings(&flash);
    asd_update_open(&update, &settings);
    asd_link_start(&end.session, BOARD_NAME, asd_model_image, asd_model_image_bytes, arena, model.header->arena_bytes);
    end.session.extra = asd_link_update;
    end.session.extra_context = &updater;
    while (input.n_bytes > 0) {
        const uint32_t how = take(&input, 1);
        if ((how & FRAMED) != 0) {
            send_frame(&end, &input, how);
        } else {
            for (uint32_t i = 0; i <= how && input.n_bytes > 0; i++) {
                receive(&end, (uint8_t)take(&input, 1));
            }
        }
    }
    check_flash(&settings, &flash);
    free(arena);
    return 0;
}
