/* Bundles, power cuts and verdicts -> which slot's model runs. */
#include "asd/asd_update.h"

#include <string.h>

#include "asd_checks.h"
#include "asd_update_log.h"

#define READ_BYTES 64u

static uint32_t header_crc(const uint8_t header[ASD_BUNDLE_HEADER_BYTES])
{
    const uint32_t crc = asd_crc32(0, header, ASD_BUNDLE_HEADER_BYTES);
    return crc == 0 ? 1u : crc; /* 0 stands for none */
}

static bool has_image(const asd_update *update, uint32_t slot, const asd_bundle *bundle)
{
    const asd_flash *const flash = &update->settings->flash;
    const uint32_t start = update->settings->slots[slot] + ASD_BUNDLE_HEADER_BYTES;
    uint8_t bytes[READ_BYTES], digest[ASD_SHA256_BYTES];
    asd_sha256 hash;
    asd_sha256_start(&hash);
    for (uint32_t at = 0; at < bundle->image_bytes; at += READ_BYTES) {
        const uint32_t n = bundle->image_bytes - at < READ_BYTES ? bundle->image_bytes - at : READ_BYTES;
        if (!flash->read(flash->context, start + at, bytes, n)) {
            return false;
        }
        asd_sha256_add(&hash, bytes, n);
    }
    asd_sha256_finish(&hash, digest);
    return memcmp(digest, bundle->image_sha256, sizeof digest) == 0;
}

/* The bundle in a slot, read from flash: its signature, this device, every byte of its image. */
static bool check_slot(asd_update *update, uint32_t slot, asd_bundle *bundle)
{
    const asd_flash *const flash = &update->settings->flash;
    if (!flash->read(flash->context, update->settings->slots[slot], update->header, ASD_BUNDLE_HEADER_BYTES)) {
        return false;
    }
    update->bundle_status = asd_bundle_check(bundle, update->header, &update->settings->rules);
    if (update->bundle_status == ASD_BUNDLE_OK && !has_image(update, slot, bundle)) {
        update->bundle_status = ASD_BUNDLE_DAMAGED;
    }
    return update->bundle_status == ASD_BUNDLE_OK;
}

/* Only the very bundle that the log speaks of. */
static bool check_known_slot(asd_update *update, uint32_t slot, asd_bundle *bundle)
{
    return update->record.header_crc[slot] != 0 && check_slot(update, slot, bundle) &&
           header_crc(update->header) == update->record.header_crc[slot];
}

/* A device that has never decided anything puts what it finds on trial, the newer one where there are two; the other is
 * what it would go back to. */
static asd_update_status boot_first_time(asd_update *update, uint32_t *slot, asd_bundle *bundle)
{
    asd_update_record record = {.state = ASD_UPDATE_TRIAL, .attempts = 1};
    uint32_t versions[2] = {0, 0};
    for (uint32_t i = 0; i < 2u; i++) {
        asd_bundle found;
        if (check_slot(update, i, &found)) {
            record.header_crc[i] = header_crc(update->header);
            versions[i] = found.version;
        }
    }
    *slot = record.header_crc[1] != 0 && (record.header_crc[0] == 0 || versions[1] > versions[0]) ? 1u : 0u;
    if (record.header_crc[*slot] == 0) {
        return ASD_UPDATE_NO_MODEL;
    }
    record.active = 1u - *slot;
    record.least_version = versions[record.active];
    if (!asd_update_log_append(update, &record)) {
        return ASD_UPDATE_FLASH_FAILED;
    }
    return check_known_slot(update, *slot, bundle) ? ASD_UPDATE_OK : ASD_UPDATE_NO_MODEL;
}

static bool end_trial(asd_update *update)
{
    asd_update_record record = update->record;
    record.state = ASD_UPDATE_CONFIRMED;
    record.attempts = 0;
    record.header_crc[1u - record.active] = 0;
    return asd_update_log_append(update, &record);
}

/* What was confirmed; where its slot has rotted, the model that was confirmed before it, if it is still there. */
static asd_update_status boot_confirmed(asd_update *update, uint32_t *slot, asd_bundle *bundle)
{
    asd_update_record record = update->record;
    *slot = record.active;
    if (check_known_slot(update, *slot, bundle)) {
        return ASD_UPDATE_OK;
    }
    if (record.state == ASD_UPDATE_TRIAL) {
        return ASD_UPDATE_FLASH_FAILED; /* the other slot's model is on trial, and its attempt can't be counted */
    }
    *slot = record.active = 1u - record.active;
    if (!check_known_slot(update, *slot, bundle)) {
        return ASD_UPDATE_NO_MODEL;
    }
    (void)asd_update_log_append(update, &record); /* where it fails, the next boot decides the same again */
    return ASD_UPDATE_OK;
}

static asd_update_status boot_trial(asd_update *update, uint32_t *slot, asd_bundle *bundle, bool *is_trial)
{
    asd_update_record record = update->record;
    *slot = 1u - record.active;
    record.attempts++;
    if (record.attempts > ASD_UPDATE_MOST_ATTEMPTS || !check_known_slot(update, *slot, bundle)) {
        (void)end_trial(update); /* where it fails, the trial is still over, and the next boot writes it down */
    } else if (asd_update_log_append(update, &record)) {
        *is_trial = true;
        return ASD_UPDATE_OK;
    } /* else: an attempt that can't be counted isn't made */
    return boot_confirmed(update, slot, bundle);
}

void asd_update_open(asd_update *update, const asd_update_settings *settings)
{
    memset(update, 0, sizeof *update);
    update->settings = settings;
    update->running_slot = ASD_UPDATE_NO_SLOT;
    /* of a device without a log: no model, and the first goes into slot 0 */
    update->record = (asd_update_record){.state = ASD_UPDATE_CONFIRMED, .active = 1u};
    asd_update_log_read(update);
}

asd_update_status asd_update_boot(asd_update *update, uint32_t *slot, asd_bundle *bundle, bool *is_trial)
{
    asd_update_status status;
    *is_trial = !update->has_record;
    if (!update->has_record) {
        status = boot_first_time(update, slot, bundle);
    } else if (update->record.state == ASD_UPDATE_TRIAL) {
        status = boot_trial(update, slot, bundle, is_trial);
    } else {
        status = boot_confirmed(update, slot, bundle);
    }
    update->running_slot = status == ASD_UPDATE_OK ? *slot : ASD_UPDATE_NO_SLOT;
    return status;
}

/* What runs is never written, whatever the log says. */
static uint32_t free_slot(const asd_update *update)
{
    return 1u - (update->running_slot == ASD_UPDATE_NO_SLOT ? update->record.active : update->running_slot);
}

asd_update_status asd_update_begin(asd_update *update, const uint8_t *header)
{
    const asd_update_settings *const settings = update->settings;
    update->is_installing = false;
    if (update->record.state == ASD_UPDATE_TRIAL || update->has_gone_back) {
        return ASD_UPDATE_NOT_NOW;
    }
    memmove(update->header, header, ASD_BUNDLE_HEADER_BYTES);
    update->bundle_status = asd_bundle_check(&update->incoming, update->header, &settings->rules);
    if (update->bundle_status != ASD_BUNDLE_OK) {
        return ASD_UPDATE_REFUSED;
    }
    if (update->incoming.version <= update->record.least_version) {
        return ASD_UPDATE_OLDER;
    }
    update->n_written = 0;
    update->n_waiting = 0;
    update->is_installing = true;
    return asd_update_write(update, update->header, ASD_BUNDLE_HEADER_BYTES);
}

/* A page is erased when its first word comes, so that no request takes longer than the pages that it touches. */
static bool program_waiting(asd_update *update)
{
    const asd_flash *const flash = &update->settings->flash;
    const uint32_t address = update->settings->slots[free_slot(update)] + update->n_written;
    if (update->n_written % flash->page_bytes == 0 && !flash->erase(flash->context, address)) {
        return false;
    }
    memset(&update->waiting[update->n_waiting], 0xFF, flash->word_bytes - update->n_waiting);
    update->n_written += flash->word_bytes;
    update->n_waiting = 0;
    return flash->program(flash->context, address, update->waiting);
}

asd_update_status asd_update_write(asd_update *update, const uint8_t *bytes, uint32_t n_bytes)
{
    const uint32_t word_bytes = update->settings->flash.word_bytes;
    if (!update->is_installing) {
        return ASD_UPDATE_NOT_NOW;
    }
    const uint32_t n_all = ASD_BUNDLE_HEADER_BYTES + update->incoming.image_bytes;
    if (n_bytes > n_all - update->n_written - update->n_waiting) {
        update->is_installing = false;
        return ASD_UPDATE_TOO_MANY;
    }
    for (uint32_t i = 0; i < n_bytes; i++) {
        update->waiting[update->n_waiting++] = bytes[i];
        if (update->n_waiting == word_bytes && !program_waiting(update)) {
            update->is_installing = false;
            return ASD_UPDATE_FLASH_FAILED;
        }
    }
    return ASD_UPDATE_OK;
}

asd_update_status asd_update_finish(asd_update *update)
{
    const uint32_t slot = free_slot(update);
    if (!update->is_installing) {
        return ASD_UPDATE_NOT_NOW;
    }
    update->is_installing = false;
    if (update->n_written + update->n_waiting < ASD_BUNDLE_HEADER_BYTES + update->incoming.image_bytes) {
        return ASD_UPDATE_INCOMPLETE;
    }
    if (update->n_waiting > 0 && !program_waiting(update)) {
        return ASD_UPDATE_FLASH_FAILED;
    }
    asd_bundle found;
    if (!check_slot(update, slot, &found)) {
        return ASD_UPDATE_REFUSED;
    }
    asd_update_record record = update->record;
    record.state = ASD_UPDATE_TRIAL;
    record.active = 1u - slot;
    record.attempts = 0;
    record.header_crc[slot] = header_crc(update->header);
    return asd_update_log_append(update, &record) ? ASD_UPDATE_OK : ASD_UPDATE_FLASH_FAILED;
}

asd_update_status asd_update_confirm(asd_update *update)
{
    asd_update_record record = update->record;
    asd_bundle bundle;
    update->is_installing = false;
    if (record.state != ASD_UPDATE_TRIAL || update->running_slot != 1u - record.active) {
        return ASD_UPDATE_NOT_NOW;
    }
    if (!check_known_slot(update, 1u - record.active, &bundle)) {
        return ASD_UPDATE_REFUSED;
    }
    record.state = ASD_UPDATE_CONFIRMED;
    record.active = 1u - record.active;
    record.attempts = 0;
    record.least_version = bundle.version;
    return asd_update_log_append(update, &record) ? ASD_UPDATE_OK : ASD_UPDATE_FLASH_FAILED;
}

asd_update_status asd_update_go_back(asd_update *update)
{
    asd_bundle bundle;
    asd_update_record record = update->record;
    update->is_installing = false;
    if (!update->has_record || update->has_gone_back) {
        return ASD_UPDATE_NOT_NOW;
    }
    if (record.state == ASD_UPDATE_TRIAL) {
        update->has_gone_back = end_trial(update);
    } else {
        record.active = 1u - record.active;
        if (!check_known_slot(update, record.active, &bundle)) {
            return ASD_UPDATE_NO_MODEL;
        }
        update->has_gone_back = asd_update_log_append(update, &record);
    }
    return update->has_gone_back ? ASD_UPDATE_OK : ASD_UPDATE_FLASH_FAILED;
}
