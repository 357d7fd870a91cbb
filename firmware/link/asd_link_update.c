/* A request about the board's models -> the update code, and its verdict. */
#include "asd/asd_link_update.h"

#include <stddef.h>
#include <string.h>

static void put_u32(asd_link_frame *frame, uint32_t value)
{
    for (uint32_t i = 0; i < 4u; i++) {
        frame->body[frame->n_body++] = (uint8_t)(value >> (8u * i));
    }
}

static uint32_t get_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static void say_state(const asd_link_updater *updater, asd_link_frame *answer)
{
    const asd_update_record *const record = &updater->update->record;
    const bool has_model = updater->boot_status == ASD_UPDATE_OK;
    put_u32(answer, (uint32_t)updater->boot_status);
    put_u32(answer, updater->slot);
    put_u32(answer, has_model ? updater->running->version : 0u);
    put_u32(answer, (uint32_t)updater->test);
    put_u32(answer, record->state);
    put_u32(answer, record->attempts);
    put_u32(answer, record->least_version);
    if (has_model) {
        memcpy(&answer->body[answer->n_body], updater->running->machine, sizeof updater->running->machine);
        answer->n_body += (uint32_t)sizeof updater->running->machine;
    }
}

static void say_verdict(const asd_link_updater *updater, asd_link_frame *answer, asd_update_status status)
{
    put_u32(answer, (uint32_t)status);
    put_u32(answer, (uint32_t)updater->update->bundle_status);
}

/* Bytes at an offset: those that are there already are left out, so that a repeated request does no harm. */
static asd_update_status write_bytes(asd_update *update, const asd_link_frame *request)
{
    const uint32_t at = get_u32(request->body), n_bytes = request->n_body - 4u;
    const uint32_t n_there = update->n_written + update->n_waiting;
    if (!update->is_installing || at > n_there) {
        return ASD_UPDATE_NOT_NOW;
    }
    const uint32_t n_known = n_there - at;
    return n_known >= n_bytes ? ASD_UPDATE_OK
                              : asd_update_write(update, &request->body[4u + n_known], n_bytes - n_known);
}

bool asd_link_update(void *context, const asd_link_frame *request, asd_link_frame *answer)
{
    asd_link_updater *const updater = context;
    asd_update *const update = updater->update;
    switch (request->type) {
    case ASD_LINK_STATE:
        say_state(updater, answer);
        return true;
    case ASD_LINK_BEGIN:
        say_verdict(updater, answer,
                    request->n_body == ASD_BUNDLE_HEADER_BYTES ? asd_update_begin(update, request->body)
                                                               : ASD_UPDATE_INCOMPLETE);
        return true;
    case ASD_LINK_WRITE:
        say_verdict(updater, answer, request->n_body < 4u ? ASD_UPDATE_INCOMPLETE : write_bytes(update, request));
        return true;
    case ASD_LINK_INSTALL:
        say_verdict(updater, answer, asd_update_finish(update));
        return true;
    case ASD_LINK_GO_BACK:
        say_verdict(updater, answer, asd_update_go_back(update));
        return true;
    case ASD_LINK_RESTART:
        updater->wants_restart = true;
        return true;
    default:
        return false;
    }
}
