/* A request -> what the detector does, and the answer's bytes. */
#include <stddef.h>
#include <string.h>

#include "asd/asd_link_session.h"

#define MOST_SAMPLES ((ASD_LINK_MAX_BODY - 4u) / 2u)

static void put_u16(asd_link_frame *frame, uint32_t value)
{
    frame->body[frame->n_body++] = (uint8_t)value;
    frame->body[frame->n_body++] = (uint8_t)(value >> 8);
}

static void put_u32(asd_link_frame *frame, uint32_t value)
{
    put_u16(frame, value);
    put_u16(frame, value >> 16);
}

static uint32_t get_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static void refuse(asd_link_session *session, asd_link_refusal why)
{
    session->answer.type = ASD_LINK_REFUSAL;
    session->answer.n_body = 0;
    put_u32(&session->answer, (uint32_t)why);
}

static bool has_detector(const asd_link_session *session)
{
    return session->model_status == ASD_OK && session->model.detector != NULL;
}

/* Only an embedding is sent: the vectors of an autoencoder are as long as the clip. */
static uint32_t count_codes(const asd_link_session *session)
{
    const asd_image_tensor *const output = &session->model.tensors[session->model.header->output];
    const uint32_t n_codes = (uint32_t)output->n_mels * output->n_channels;
    const bool is_embedding = session->model.detector->kind == ASD_SCORE_ARCFACE;
    return is_embedding && n_codes <= ASD_LINK_MAX_CODES ? n_codes : 0u;
}

static void keep_codes(void *context, const int8_t *codes)
{
    asd_link_session *const session = context;
    memcpy(session->codes, codes, session->n_codes);
}

static void say_memory(asd_link_session *session)
{
    asd_port_memory_use use;
    asd_port_memory(&use);
    put_u32(&session->answer, use.ram_bytes);
    put_u32(&session->answer, use.static_bytes);
    put_u32(&session->answer, use.stack_bytes);
    put_u32(&session->answer, use.stack_used_bytes);
}

static void say_hello(asd_link_session *session)
{
    asd_link_frame *const answer = &session->answer;
    const bool is_whole = has_detector(session);
    put_u16(answer, ASD_LINK_VERSION);
    put_u16(answer, (uint32_t)session->model_status);
    put_u32(answer, is_whole ? session->model.detector->clip_samples : 0u);
    put_u16(answer, is_whole ? session->model.detector->n_classes : 0u);
    put_u16(answer, is_whole ? session->model.detector->kind : 0u);
    put_u16(answer, is_whole ? count_codes(session) : 0u);
    put_u16(answer, is_whole ? session->model.header->is_endless : 0u);
    for (uint32_t i = 0; i < 32u; i++) {
        answer->body[answer->n_body++] = is_whole ? session->model.header->source_sha256[i] : 0u;
    }
    for (const char *name = session->board; *name != 0; name++) {
        answer->body[answer->n_body++] = (uint8_t)*name;
    }
}

static void start(asd_link_session *session, const asd_link_frame *request)
{
    if (request->n_body != 4u) {
        refuse(session, ASD_LINK_BAD_BODY);
        return;
    }
    const asd_status status = asd_detector_start(&session->detector, &session->model, session->arena,
                                                 session->arena_bytes, get_u32(request->body));
    session->is_started = status == ASD_OK;
    session->n_samples = 0;
    session->n_codes = count_codes(session);
    if (session->n_codes > 0) {
        session->detector.on_embedding = keep_codes;
        session->detector.context = session;
    }
    put_u32(&session->answer, (uint32_t)status);
}

static void say_score(asd_link_session *session, asd_status status)
{
    asd_link_frame *const answer = &session->answer;
    const uint64_t score = (uint64_t)session->detector.score_q16;
    put_u32(answer, (uint32_t)status);
    put_u32(answer, (uint32_t)score);
    put_u32(answer, (uint32_t)(score >> 32));
    memcpy(&answer->body[answer->n_body], session->codes, session->n_codes);
    answer->n_body += session->n_codes;
}

/* As many as come before the next score: the rest is sent again. */
static void take_samples(asd_link_session *session, const asd_link_frame *request)
{
    int16_t samples[MOST_SAMPLES];
    if (request->n_body < 4u || request->n_body % 2u != 0) {
        refuse(session, ASD_LINK_BAD_BODY);
        return;
    }
    if (get_u32(request->body) != session->n_samples) {
        refuse(session, ASD_LINK_WRONG_PLACE);
        return;
    }
    const uint32_t n_samples = (request->n_body - 4u) / 2u;
    for (uint32_t i = 0; i < n_samples; i++) {
        samples[i] =
            (int16_t)(uint16_t)((uint32_t)request->body[4u + 2u * i] | (uint32_t)request->body[5u + 2u * i] << 8);
    }
    uint32_t n_taken = 0;
    bool has_score = false;
    const asd_status status = asd_detector_push(&session->detector, samples, n_samples, &n_taken, &has_score);
    session->n_samples += n_taken;
    put_u32(&session->answer, session->n_samples);
    if (has_score) {
        say_score(session, status);
    }
}

static void finish(asd_link_session *session)
{
    bool has_score = false;
    const asd_status status = asd_detector_finish(&session->detector, &has_score);
    put_u32(&session->answer, session->n_samples);
    if (has_score) {
        say_score(session, status);
    }
}

static void carry_out(asd_link_session *session, const asd_link_frame *request)
{
    const bool needs_model = request->type == ASD_LINK_START;
    const bool needs_start = request->type == ASD_LINK_SAMPLES || request->type == ASD_LINK_FINISH;
    if ((needs_model || needs_start) && !has_detector(session)) {
        refuse(session, ASD_LINK_NO_MODEL);
        return;
    }
    if (needs_start && !session->is_started) {
        refuse(session, ASD_LINK_NOT_STARTED);
        return;
    }
    switch (request->type) {
    case ASD_LINK_HELLO:
        say_hello(session);
        break;
    case ASD_LINK_START:
        start(session, request);
        break;
    case ASD_LINK_SAMPLES:
        take_samples(session, request);
        break;
    case ASD_LINK_FINISH:
        finish(session);
        break;
    case ASD_LINK_MEMORY:
        say_memory(session);
        break;
    default:
        if (session->extra == NULL || !session->extra(session->extra_context, request, &session->answer)) {
            refuse(session, ASD_LINK_UNKNOWN_TYPE);
        }
        break;
    }
}

void asd_link_start(asd_link_session *session, const char *board, const void *image, uint32_t n_bytes, void *arena,
                    uint32_t arena_bytes)
{
    memset(session, 0, sizeof *session);
    session->board = board;
    session->model_status = asd_model_load(&session->model, image, n_bytes);
    session->arena = arena;
    session->arena_bytes = arena_bytes;
}

void asd_link_answer(asd_link_session *session, const asd_link_frame *request)
{
    const bool is_repeated = session->has_answered && session->request_type == request->type &&
                             session->answer.sequence == request->sequence;
    if (is_repeated) {
        return;
    }
    session->has_answered = true;
    session->request_type = request->type;
    session->answer.type = (uint8_t)(request->type | ASD_LINK_ANSWER);
    session->answer.sequence = request->sequence;
    session->answer.n_body = 0;
    carry_out(session, request);
}
