/* Signed models over a line (here standard input and output) into two slots; each proves itself before it stays. */
#include <stdio.h>

#include "asd/asd_link_update.h"
#include "asd/asd_public_keys.h"
#include "asd/asd_self_test.h"
#include "ram_flash.h"

#define BOARD "my-board" /* a bundle for another one is refused */
#define FIRMWARE_VERSION 1u
#define ARENA_BYTES (256u << 10)

static uint8_t arena[ARENA_BYTES] __attribute__((aligned(16)));
static asd_update_settings settings;
static asd_update update;
static asd_bundle running;
static asd_link_updater updater;
static asd_link_session session;
static asd_link_receiver receiver;
static asd_link_frame frame;
static uint8_t encoded[ASD_LINK_MAX_ENCODED + 1u];

/* Which model runs; true: one that is on trial failed, and the one before runs after another boot. */
static bool boot(void)
{
    uint32_t slot = 0;
    bool is_trial = false;
    asd_update_open(&update, &settings);
    updater = (asd_link_updater){.update = &update, .running = &running};
    updater.boot_status = asd_update_boot(&update, &slot, &running, &is_trial);
    updater.slot = slot;
    const bool has_model = updater.boot_status == ASD_UPDATE_OK;
    const uint8_t *const image = ram_flash_at(settings.slots[slot] + ASD_BUNDLE_HEADER_BYTES);
    asd_link_start(&session, BOARD, image, has_model ? running.image_bytes : 0u, arena, sizeof arena);
    session.extra = asd_link_update;
    session.extra_context = &updater;
    if (!is_trial || !has_model) {
        return false;
    }
    asd_self_test_result result;
    const bool is_passed = session.model_status == ASD_OK && session.model.detector != NULL &&
                           asd_self_test(&result, &running, &session.detector, &session.model, arena, sizeof arena);
    const asd_update_status status = is_passed ? asd_update_confirm(&update) : asd_update_go_back(&update);
    updater.test = is_passed && status == ASD_UPDATE_OK ? ASD_LINK_TEST_PASSED : ASD_LINK_TEST_FAILED;
    return !is_passed;
}

/* A part would reset itself; a watchdog of its own belongs here, for a model that hangs on trial. */
static void boot_until_it_runs(void)
{
    while (boot()) {
    }
}

int main(void)
{
    ram_flash_start(&settings);
    settings.rules =
        (asd_bundle_rules){asd_public_keys, asd_n_public_keys, asd_ed25519_verify,
                           BOARD,           FIRMWARE_VERSION,  settings.slot_bytes - ASD_BUNDLE_HEADER_BYTES};
    boot_until_it_runs();
    for (int byte = getchar(); byte != EOF; byte = getchar()) {
        if (!asd_link_receive(&receiver, (uint8_t)byte, &frame)) {
            continue;
        }
        asd_link_answer(&session, &frame);
        (void)fwrite(encoded, 1, asd_link_encode(&session.answer, encoded), stdout);
        (void)fflush(stdout);
        if (updater.wants_restart) {
            boot_until_it_runs();
        }
    }
    return 0;
}
