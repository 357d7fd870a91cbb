/* A device by its machine: microphone -> detector -> alarm; models come over the serial line and prove themselves
 * first. */
#include <stddef.h>
#include <string.h>

#include "asd/asd_audio_buffer.h"
#include "asd/asd_device.h"
#include "asd/asd_link_update.h"
#include "asd/asd_port.h"
#include "asd/asd_public_keys.h"
#include "asd/asd_self_test.h"
#include "asd/asd_serial.h"

#ifndef ASD_FIRMWARE_VERSION
#define ASD_FIRMWARE_VERSION 1u
#endif
#define ROOM_SAMPLES 4096u
#define BLOCK_SAMPLES 64u
#define TRIAL_SECONDS 120u /* for a clip of 10 s on a core that just keeps up */
#define LENT_MS 30000u     /* without a word of the workstation that scores clips */
#define LOOP_SECONDS 30u   /* the longest turn checks and hashes a whole image that has come: some seconds at 16 MHz */

static asd_update_settings settings;
static asd_update update;
static asd_bundle running;
static asd_link_updater updater;
static asd_link_session session;
static asd_link_receiver receiver;
static asd_link_frame frame; /* a request, or what goes out unasked */
static uint8_t encoded[ASD_LINK_MAX_ENCODED + 1u];
static asd_audio_buffer audio;
static int16_t room[ROOM_SAMPLES];
static bool is_listening, is_alarm;
static bool is_lent;           /* a workstation scores clips: the detector is its own */
static uint32_t lent_since_ms; /* its newest request */
static uint32_t n_scores, n_without_score;

static void put_u32(asd_link_frame *out, uint32_t value)
{
    for (uint32_t i = 0; i < 4u; i++) {
        out->body[out->n_body++] = (uint8_t)(value >> (8u * i));
    }
}

/* Scores so far, windows without one, windows dropped, the newest score, whether it is an alarm, samples waiting. */
static void say_what_is_heard(asd_link_frame *out)
{
    const uint64_t score = (uint64_t)session.detector.score_q16;
    put_u32(out, n_scores);
    put_u32(out, n_without_score);
    put_u32(out, audio.n_windows_dropped);
    put_u32(out, (uint32_t)score);
    put_u32(out, (uint32_t)(score >> 32));
    put_u32(out, is_alarm ? 1u : 0u);
    put_u32(out, audio.n_written - audio.n_read);
}

static void send(const asd_link_frame *out)
{
    asd_serial_write(encoded, asd_link_encode(out, encoded));
}

static void start_detector(void)
{
    is_listening = asd_detector_start(&session.detector, &session.model, session.arena, session.arena_bytes,
                                      running.class_index) == ASD_OK;
}

/* A stream of the workstation's takes the detector; even one that is refused has spoilt what it had heard. */
static void lend_detector(uint8_t request_type)
{
    const bool is_stream =
        request_type == ASD_LINK_START || request_type == ASD_LINK_SAMPLES || request_type == ASD_LINK_FINISH;
    is_lent = is_lent || (is_listening && request_type == ASD_LINK_START);
    if (is_lent && is_stream) {
        lent_since_ms = asd_device_ms();
    }
    is_listening = is_listening && !is_lent;
}

/* A peer that has gone doesn't leave the machine without its detector: what the microphone brings from now on is a new
 * window. */
static void take_detector_back(void)
{
    if (!is_lent || asd_device_ms() - lent_since_ms < LENT_MS) {
        return;
    }
    const uint32_t n_dropped = audio.n_windows_dropped;
    is_lent = false;
    session.is_started = false; /* its samples are refused, and it begins anew */
    (void)asd_audio_buffer_start(&audio, room, ROOM_SAMPLES, session.model.detector->clip_samples);
    audio.n_windows_dropped = n_dropped;
    start_detector();
}

/* A window without a score leaves the alarm as it is: silence where a machine should be is not normal. */
static void judge(asd_status status)
{
    if (status != ASD_OK) {
        n_without_score++;
        return;
    }
    n_scores++;
    const bool was_alarm = is_alarm;
    is_alarm = session.detector.score_q16 > running.threshold_q16;
    if (is_alarm != was_alarm) {
        asd_device_alarm(is_alarm);
        frame.type = ASD_LINK_ALARM;
        frame.sequence = 0;
        frame.n_body = 0;
        say_what_is_heard(&frame);
        send(&frame);
    }
}

static void finish_stream(void)
{
    for (bool has_score = true; has_score;) {
        const asd_status status = asd_detector_finish(&session.detector, &has_score);
        if (has_score) {
            judge(status);
        }
    }
}

/* Some of what waits in the buffer; false: nothing did. */
static bool detect(void)
{
    const int16_t *samples;
    bool is_new = false, has_score = false;
    uint32_t n_taken = 0;
    if (!is_listening) {
        return false;
    }
    const uint32_t n = asd_audio_buffer_peek(&audio, &samples, &is_new);
    if (is_new) {
        finish_stream();
        start_detector();
    }
    if (n == 0) {
        return is_new;
    }
    const uint32_t n_some = n < BLOCK_SAMPLES ? n : BLOCK_SAMPLES;
    const asd_status status = asd_detector_push(&session.detector, samples, n_some, &n_taken, &has_score);
    asd_audio_buffer_release(&audio, n_taken);
    if (has_score) {
        judge(status);
    }
    return true;
}

static void hear(void)
{
    static int16_t block[BLOCK_SAMPLES];
    const uint32_t n = asd_device_audio(block, BLOCK_SAMPLES);
    if (n > 0 && is_listening) {
        asd_audio_buffer_push(&audio, block, n);
    }
}

/* As asd_device_audio, for a board on a desk. */
static void listen_to(const asd_link_frame *request)
{
    for (uint32_t i = 0; i + 1u < request->n_body && is_listening; i += 2u) {
        const int16_t sample = (int16_t)(uint16_t)((uint32_t)request->body[i] | (uint32_t)request->body[i + 1u] << 8);
        asd_audio_buffer_push(&audio, &sample, 1);
    }
}

static bool answer_more(void *context, const asd_link_frame *request, asd_link_frame *answer)
{
    if (request->type != ASD_LINK_LISTEN) {
        return asd_link_update(context, request, answer);
    }
    listen_to(request);
    say_what_is_heard(answer);
    return true;
}

/* False: the line is quiet. */
static bool serve(void)
{
    uint8_t byte = 0;
    if (!asd_serial_read(&byte)) {
        return false;
    }
    if (asd_link_receive(&receiver, byte, &frame)) {
        const uint8_t request_type = frame.type;
        asd_link_answer(&session, &frame);
        send(&session.answer);
        lend_detector(request_type);
        if (updater.wants_restart) {
            asd_device_restart();
        }
    }
    return true;
}

/* The model on trial proves that it detects here, or the one before comes back. */
static void prove(void)
{
    asd_self_test_result result;
    asd_device_watchdog(TRIAL_SECONDS);
    const bool is_passed =
        session.model_status == ASD_OK && session.model.detector != NULL &&
        asd_self_test(&result, &running, &session.detector, &session.model, session.arena, session.arena_bytes);
    const asd_update_status status = is_passed ? asd_update_confirm(&update) : asd_update_go_back(&update);
    updater.test = is_passed && status == ASD_UPDATE_OK ? ASD_LINK_TEST_PASSED : ASD_LINK_TEST_FAILED;
    if (!is_passed) {
        asd_device_restart();
    }
}

static void boot(void)
{
    uint32_t slot = 0, arena_bytes = 0;
    bool is_trial = false;
    asd_device_flash(&settings);
    settings.rules =
        (asd_bundle_rules){asd_public_keys, asd_n_public_keys,    asd_ed25519_verify,
                           ASD_BOARD_NAME,  ASD_FIRMWARE_VERSION, settings.slot_bytes - ASD_BUNDLE_HEADER_BYTES};
    asd_update_open(&update, &settings);
    updater = (asd_link_updater){.update = &update, .running = &running};
    updater.boot_status = asd_update_boot(&update, &slot, &running, &is_trial);
    updater.slot = slot;
    void *const arena = asd_port_arena(&arena_bytes);
    const bool has_model = updater.boot_status == ASD_UPDATE_OK;
    const uint8_t *const image = asd_device_mapped(settings.slots[slot] + ASD_BUNDLE_HEADER_BYTES);
    asd_link_start(&session, ASD_BOARD_NAME, image, has_model ? running.image_bytes : 0u, arena, arena_bytes);
    session.extra = answer_more;
    session.extra_context = &updater;
    if (is_trial && has_model) {
        prove();
    }
    if (session.model_status == ASD_OK && session.model.detector != NULL) {
        (void)asd_audio_buffer_start(&audio, room, ROOM_SAMPLES, session.model.detector->clip_samples);
        start_detector();
    }
}

int main(void)
{
    asd_device_start();
    boot();
    for (;;) {
        asd_device_watchdog(LOOP_SECONDS);
        take_detector_back();
        hear();
        const bool is_busy = serve() || detect();
        if (!is_busy) {
            asd_device_wait();
        }
    }
}
