/* A device that is updated while its power fails: at every flash operation, then again at every operation after that.
 * power_cut_record.h; the update code is the device's own. */
#include <setjmp.h>
#include <stddef.h>
#include <string.h>

#include "asd/asd_port.h"
#include "asd/asd_update.h"
#include "asd_checks.h"
#include "asd_update_log.h"
#include "power_cut_record.h"
#include "simulated_flash.h"

#define MOST_BUNDLE_BYTES (1u << 20)
#define N_KNOWN_SIGNATURES 4u
#define MOST_BOOTS 32u

typedef enum { RULE_BOOTS = 1, RULE_WHOLE, RULE_UNCONFIRMED, RULE_COUNTER, RULE_ENDS, RULE_FLASH, RULE_MISUSE } rule;

typedef struct {
    uint32_t at, kind;
} cut_point;

static simulated_flash flash;
static power_cut_setup setup;
static uint8_t key[1][ASD_ED25519_KEY_BYTES], bundles[2][MOST_BUNDLE_BYTES];
static asd_update_settings settings;
static asd_update update;
static power_cut_result result;
static jmp_buf power_cut;
/* of the life under way; volatile: they outlive a longjmp */
static volatile power_cut_phase phase;
static volatile uint32_t has_confirmed, has_failed_test, is_over, n_boots, broken_rule;
static uint32_t phase_operations[N_PHASES]; /* of the life under way */
static cut_point cuts[2];
static power_cut_phase met[2]; /* the phases that they fell into */

static void cut_power(void)
{
    longjmp(power_cut, 1);
}

/* The same few signatures are checked a million times. */
static bool verify(const uint8_t public_key[ASD_ED25519_KEY_BYTES], const uint8_t *message, uint32_t n_message,
                   const uint8_t signature[ASD_ED25519_SIGNATURE_BYTES])
{
    static uint8_t known[N_KNOWN_SIGNATURES][ASD_BUNDLE_SIGNED_BYTES + ASD_ED25519_SIGNATURE_BYTES];
    static uint32_t n_known = 0;
    for (uint32_t i = 0; i < n_known; i++) {
        if (memcmp(known[i], message, ASD_BUNDLE_SIGNED_BYTES) == 0 &&
            memcmp(&known[i][ASD_BUNDLE_SIGNED_BYTES], signature, ASD_ED25519_SIGNATURE_BYTES) == 0) {
            return true;
        }
    }
    if (!asd_ed25519_verify(public_key, message, n_message, signature)) {
        return false;
    }
    if (n_known < N_KNOWN_SIGNATURES) {
        memcpy(known[n_known], message, ASD_BUNDLE_SIGNED_BYTES);
        memcpy(&known[n_known++][ASD_BUNDLE_SIGNED_BYTES], signature, ASD_ED25519_SIGNATURE_BYTES);
    }
    return true;
}

static void enter(power_cut_phase next)
{
    phase = next;
    flash.counter = &phase_operations[next];
}

static void check(bool holds, rule which)
{
    if (!holds && broken_rule == 0) {
        broken_rule = (uint32_t)which;
    }
}

static void expect(asd_update_status status)
{
    check(status == ASD_UPDATE_OK, RULE_FLASH);
}

static uint32_t bundle_bytes(uint32_t which)
{
    return which == 0 ? setup.n_first : setup.n_second;
}

/* What runs is one of the two bundles, to the byte, and the second only on trial or once confirmed. */
static uint32_t check_boot(uint32_t slot, const asd_bundle *bundle, bool is_trial)
{
    const uint32_t first_version = setup.n_first == 0 ? 0u : ((const asd_bundle *)(const void *)bundles[0])->version;
    const uint32_t which = bundle->version == first_version ? 0u : 1u;
    check(memcmp(&flash.bytes[settings.slots[slot]], bundles[which], bundle_bytes(which)) == 0, RULE_WHOLE);
    check(which == 0 || is_trial || has_confirmed != 0, RULE_UNCONFIRMED);
    check(update.record.least_version <= first_version || has_confirmed != 0, RULE_COUNTER);
    return which;
}

static void install(void)
{
    const uint8_t *const bundle = bundles[1];
    enter(PHASE_INSTALL);
    expect(asd_update_begin(&update, bundle));
    for (uint32_t at = ASD_BUNDLE_HEADER_BYTES; at < setup.n_second;) {
        const uint32_t left = setup.n_second - at, n = left < 1000u ? left : 1000u;
        expect(asd_update_write(&update, &bundle[at], n));
        at += n;
    }
    expect(asd_update_finish(&update));
}

/* A device that came without a model, or whose first one failed its test. */
static void live_without_model(void)
{
    if (has_failed_test == 0) {
        install();
    } else {
        is_over = 1;
    }
}

/* From a reset to the next, or to the end: its owner sends the update until it runs or has failed its test. */
static void live(void)
{
    uint32_t slot = 0;
    bool is_trial = false;
    static asd_bundle bundle;
    flash.kept_from = flash.kept_until = 0;
    asd_update_open(&update, &settings);
    if (phase == PHASE_INSTALL) {
        enter(PHASE_TRIAL); /* the install went through, or live would not have come back */
    }
    n_boots++;
    const asd_update_status status = asd_update_boot(&update, &slot, &bundle, &is_trial);
    if (status == ASD_UPDATE_NO_MODEL && setup.n_first == 0 && has_confirmed == 0) {
        live_without_model();
        return;
    }
    check(status == ASD_UPDATE_OK, RULE_BOOTS);
    if (broken_rule != 0) {
        return;
    }
    const uint32_t which = check_boot(slot, &bundle, is_trial);
    flash.kept_from = settings.slots[slot];
    flash.kept_until = flash.kept_from + setup.slot_bytes;
    if (is_trial && which == 0) {
        expect(asd_update_confirm(&update)); /* what the factory wrote passes */
    } else if (is_trial && setup.passes != 0) {
        enter(PHASE_CONFIRM);
        has_confirmed = 1;
        expect(asd_update_confirm(&update));
    } else if (is_trial) {
        enter(PHASE_REVERT);
        has_failed_test = 1;
        expect(asd_update_go_back(&update));
        check(asd_update_begin(&update, bundles[1]) == ASD_UPDATE_NOT_NOW, RULE_MISUSE); /* before it is reset */
    } else if (which == 0 && has_failed_test == 0) {
        install();
    } else {
        const uint32_t wanted = setup.passes != 0 ? 1u : 0u;
        check(memcmp(&flash.bytes[settings.slots[slot]], bundles[wanted], bundle_bytes(wanted)) == 0, RULE_ENDS);
        is_over = 1;
    }
}

/* The first bundle in both slots, a bit of the active one's image flipped: as after a rot, with the log of before. */
static void rot_active_slot(void)
{
    const uint32_t crc = asd_crc32(0, bundles[0], ASD_BUNDLE_HEADER_BYTES);
    const uint32_t version = ((const asd_bundle *)(const void *)bundles[0])->version;
    const asd_update_record record = {0, ASD_UPDATE_CONFIRMED, 1, 0, version, {crc, crc}};
    memcpy(&flash.bytes[settings.slots[1]], bundles[0], setup.n_first);
    flash.bytes[settings.slots[1] + setup.n_first - 1u] ^= 1u;
    asd_update_open(&update, &settings);
    expect(asd_update_log_append(&update, &record) ? ASD_UPDATE_OK : ASD_UPDATE_FLASH_FAILED);
}

/* A device as the factory delivers it. */
static void deliver(void)
{
    memset(flash.bytes, 0xFF, flash.n_bytes);
    memcpy(&flash.bytes[settings.slots[0]], bundles[0], setup.n_first);
    flash.bad_from = flash.bad_until = flash.kept_from = flash.kept_until = 0;
    flash.cut_at = FLASH_NEVER;
    enter(PHASE_FIRST_BOOT);
    has_confirmed = has_failed_test = is_over = n_boots = broken_rule = 0;
    if (setup.is_rotten != 0) {
        rot_active_slot();
    }
    flash.n_operations = 0;
    memset(phase_operations, 0, sizeof phase_operations);
}

/* A whole life with `n_cuts` power cuts, the second counted from the reset after the first; how many of them it met. */
static uint32_t live_through(uint32_t n_cuts)
{
    static volatile uint32_t n_met;
    n_met = 0;
    deliver();
    while (is_over == 0 && broken_rule == 0 && n_boots < MOST_BOOTS) {
        flash.cut_at = n_met < n_cuts ? cuts[n_met].at : FLASH_NEVER;
        flash.cut = (flash_cut)cuts[n_met < n_cuts ? n_met : 0u].kind;
        if (setjmp(power_cut) == 0) {
            live();
        } else {
            met[n_met++] = phase;
            flash.n_operations = 0;
            enter(PHASE_RECOVERY);
        }
    }
    check(is_over != 0, RULE_ENDS);
    check(flash.n_misused == 0, RULE_MISUSE);
    flash.n_misused = 0;
    return n_met;
}

static void count_case(void)
{
    result.n_cases++;
    result.n_boots += n_boots;
    if (setup.depth > 0) {
        result.n_cut[met[0]]++;
    }
    if (setup.depth == 2u) {
        result.n_cut_again[met[1]]++;
    }
    if (broken_rule != 0 && result.n_failures++ == 0) {
        const uint32_t failure[6] = {broken_rule, cuts[0].at, cuts[0].kind, cuts[1].at, cuts[1].kind, n_boots};
        memcpy(result.first_failure, failure, sizeof failure);
    }
}

/* Every second cut that there is after the first. */
static void try_all_second_cuts(void)
{
    for (cuts[1].at = 0;; cuts[1].at++) {
        for (cuts[1].kind = 0; cuts[1].kind < N_CUTS; cuts[1].kind++) {
            if (live_through(2) < 2u) {
                return;
            }
            count_case();
        }
    }
}

static void try_all(void)
{
    for (cuts[0].at = 0;; cuts[0].at++) {
        for (cuts[0].kind = 0; cuts[0].kind < N_CUTS; cuts[0].kind++) {
            if (live_through(1) < 1u) {
                return;
            }
            if (setup.depth == 1u) {
                count_case();
            } else {
                try_all_second_cuts();
            }
        }
    }
}

static uint32_t draw_operation(uint32_t *random, uint32_t n_operations)
{
    const uint32_t at = next_random(random) % n_operations;
    const bool is_near_end = (next_random(random) & 1u) != 0; /* where the decisions are written */
    return is_near_end ? n_operations - 1u - at % (n_operations < 64u ? n_operations : 64u) : at;
}

static void try_some(uint32_t n_operations)
{
    uint32_t random = setup.seed;
    while (result.n_cases < setup.n_cases) {
        for (uint32_t i = 0; i < 2u; i++) {
            cuts[i].at = draw_operation(&random, n_operations);
            cuts[i].kind = next_random(&random) % N_CUTS;
        }
        if (live_through(setup.depth) == setup.depth) {
            count_case();
        }
    }
}

/* One bit of an updated device flips: in the slot that runs, in the other, in the log, in turn. It still boots. */
static void try_rot(void)
{
    uint32_t random = setup.seed;
    for (cuts[0].at = 0; cuts[0].at < setup.n_cases; cuts[0].at++) {
        (void)live_through(0);
        cuts[0].kind = cuts[0].at % 3u;
        const uint32_t starts[3] = {settings.slots[update.record.active], settings.slots[1u - update.record.active],
                                    settings.log_pages[0]};
        const uint32_t sizes[3] = {setup.n_second, setup.n_first, 2u * setup.page_bytes};
        const uint32_t at = starts[cuts[0].kind] + next_random(&random) % sizes[cuts[0].kind];
        flash.bytes[at] ^= (uint8_t)(1u << (next_random(&random) & 7u));
        uint32_t slot = 0;
        bool is_trial = false;
        static asd_bundle bundle;
        flash.kept_from = flash.kept_until = 0;
        asd_update_open(&update, &settings);
        check(asd_update_boot(&update, &slot, &bundle, &is_trial) == ASD_UPDATE_OK, RULE_BOOTS);
        (void)check_boot(slot, &bundle, is_trial);
        n_boots++;
        count_case();
    }
}

int main(void)
{
    if (!asd_port_read(&setup, sizeof setup) || !asd_port_read(key, sizeof key) || setup.n_first > MOST_BUNDLE_BYTES ||
        setup.n_second > MOST_BUNDLE_BYTES || !asd_port_read(bundles[0], setup.n_first) ||
        !asd_port_read(bundles[1], setup.n_second)) {
        asd_port_exit(1);
    }
    flash.page_bytes = setup.page_bytes;
    flash.word_bytes = setup.word_bytes;
    flash.n_bytes = 2u * setup.slot_bytes + 2u * setup.page_bytes;
    flash.random = setup.seed;
    flash.on_cut = cut_power;
    settings = (asd_update_settings){simulate_flash(&flash),
                                     {0, setup.slot_bytes},
                                     setup.slot_bytes,
                                     {2u * setup.slot_bytes, 2u * setup.slot_bytes + setup.page_bytes},
                                     {(const uint8_t(*)[ASD_ED25519_KEY_BYTES])key, 1, verify, setup.board, 1,
                                      setup.slot_bytes - ASD_BUNDLE_HEADER_BYTES}};
    (void)live_through(0);
    memcpy(result.n_operations, phase_operations, sizeof phase_operations);
    const uint32_t n_operations = flash.n_operations;
    if (broken_rule != 0) {
        result.n_failures = 1;
        result.first_failure[0] = broken_rule;
    } else if (setup.depth == 0) {
        try_rot();
    } else if (setup.n_cases == 0) {
        try_all();
    } else {
        try_some(n_operations);
    }
    asd_port_write(&result, sizeof result);
    asd_port_exit(0);
    return 0;
}
