/* A setup, a bundle for each version from 1 up, then steps -> what each step gave; the flash may wear out in between.
 * update_step_record.h; the update code is the device's own. */
#include <stddef.h>
#include <string.h>

#include "asd/asd_port.h"
#include "asd/asd_update.h"
#include "simulated_flash.h"
#include "update_step_record.h"

#define MOST_BUNDLES 4u
#define MOST_BUNDLE_BYTES 1024u

static simulated_flash flash;
static update_step_setup setup;
static uint8_t key[1][ASD_ED25519_KEY_BYTES], bundles[MOST_BUNDLES][MOST_BUNDLE_BYTES];
static asd_update_settings settings;
static asd_update update;
static asd_bundle running;
static update_step_result result;

static void boot(void)
{
    bool is_trial = false;
    uint32_t slot = 0;
    flash.kept_from = flash.kept_until = 0;
    asd_update_open(&update, &settings);
    result.status = (uint32_t)asd_update_boot(&update, &slot, &running, &is_trial);
    result.slot = slot;
    result.version = result.status == ASD_UPDATE_OK ? running.version : 0u;
    result.is_trial = is_trial ? 1u : 0u;
    if (result.status == ASD_UPDATE_OK) {
        flash.kept_from = settings.slots[slot];
        flash.kept_until = flash.kept_from + setup.slot_bytes;
    }
}

static void take(const update_step *step)
{
    const uint8_t *const bundle = bundles[step->argument % MOST_BUNDLES];
    switch (step->kind) {
    case STEP_BOOT:
        boot();
        break;
    case STEP_BEGIN:
        result.status = (uint32_t)asd_update_begin(&update, bundle);
        break;
    case STEP_WRITE:
        result.status = (uint32_t)asd_update_write(&update, &bundle[ASD_BUNDLE_HEADER_BYTES],
                                                   setup.n_bundle - ASD_BUNDLE_HEADER_BYTES);
        break;
    case STEP_FINISH:
        result.status = (uint32_t)asd_update_finish(&update);
        break;
    case STEP_CONFIRM:
        result.status = (uint32_t)asd_update_confirm(&update);
        break;
    case STEP_GO_BACK:
        result.status = (uint32_t)asd_update_go_back(&update);
        break;
    case STEP_ROT:
        flash.bytes[settings.slots[step->argument % 2u] + ASD_BUNDLE_HEADER_BYTES] ^= 1u;
        break;
    case STEP_WEAR:
        flash.is_worn = step->argument != 0;
        break;
    default:
        asd_port_exit(1);
    }
    result.active = update.record.active;
    result.n_misused = flash.n_misused;
}

int main(void)
{
    static uint32_t n_operations;
    update_step step;
    if (!asd_port_read(&setup, sizeof setup) || !asd_port_read(key, sizeof key) || setup.n_bundles > MOST_BUNDLES ||
        setup.n_bundle > MOST_BUNDLE_BYTES || setup.n_bundle > setup.slot_bytes) {
        asd_port_exit(1);
    }
    for (uint32_t i = 0; i < setup.n_bundles; i++) {
        if (!asd_port_read(bundles[i], setup.n_bundle)) {
            asd_port_exit(1);
        }
    }
    flash.page_bytes = setup.page_bytes;
    flash.word_bytes = setup.word_bytes;
    flash.n_bytes = 2u * setup.slot_bytes + 2u * setup.page_bytes;
    flash.cut_at = FLASH_NEVER;
    flash.counter = &n_operations;
    memset(flash.bytes, 0xFF, flash.n_bytes);
    settings = (asd_update_settings){simulate_flash(&flash),
                                     {0, setup.slot_bytes},
                                     setup.slot_bytes,
                                     {2u * setup.slot_bytes, 2u * setup.slot_bytes + setup.page_bytes},
                                     {(const uint8_t(*)[ASD_ED25519_KEY_BYTES])key, 1, asd_ed25519_verify, setup.board,
                                      1, setup.slot_bytes - ASD_BUNDLE_HEADER_BYTES}};
    while (asd_port_read(&step, sizeof step)) {
        memset(&result, 0, sizeof result);
        take(&step);
        asd_port_write(&result, sizeof result);
    }
    asd_port_exit(0);
    return 0;
}
