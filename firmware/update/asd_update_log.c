/* Decisions -> records in flash, so that a cut in the middle of one leaves the one before. */
#include "asd_update_log.h"

#include <string.h>

#include "asd_checks.h"

#define MAGIC 0x4C445341u /* "ASDL" */
#define N_WORDS (ASD_UPDATE_RECORD_BYTES / 4u)
#define LAST (N_WORDS - 1u) /* CRC-32 of the others */

static void write_words(uint8_t bytes[ASD_UPDATE_RECORD_BYTES], const asd_update_record *record)
{
    const uint32_t words[N_WORDS] = {
        MAGIC,
        record->sequence,
        record->state,
        record->active,
        record->attempts,
        record->least_version,
        record->header_crc[0],
        record->header_crc[1],
    };
    for (uint32_t i = 0; i < ASD_UPDATE_RECORD_BYTES; i++) {
        bytes[i] = (uint8_t)(words[i / 4u] >> (8u * (i % 4u)));
    }
    const uint32_t crc = asd_crc32(0, bytes, 4u * LAST);
    for (uint32_t i = 0; i < 4u; i++) {
        bytes[4u * LAST + i] = (uint8_t)(crc >> (8u * i));
    }
}

static bool read_words(asd_update_record *record, const uint8_t bytes[ASD_UPDATE_RECORD_BYTES])
{
    uint32_t words[N_WORDS] = {0};
    for (uint32_t i = 0; i < ASD_UPDATE_RECORD_BYTES; i++) {
        words[i / 4u] |= (uint32_t)bytes[i] << (8u * (i % 4u));
    }
    if (words[0] != MAGIC || words[LAST] != asd_crc32(0, bytes, 4u * LAST)) {
        return false;
    }
    *record = (asd_update_record){words[1], words[2], words[3], words[4], words[5], {words[6], words[7]}};
    return (record->state == ASD_UPDATE_CONFIRMED || record->state == ASD_UPDATE_TRIAL) && record->active < 2u;
}

static bool is_erased(const uint8_t *bytes, uint32_t n_bytes)
{
    for (uint32_t i = 0; i < n_bytes; i++) {
        if (bytes[i] != 0xFFu) {
            return false;
        }
    }
    return true;
}

/* Behind the last record of the page that isn't wholly erased, torn ones included. */
static uint32_t read_page(asd_update *update, uint32_t page)
{
    const asd_flash *const flash = &update->settings->flash;
    uint32_t next = 0;
    for (uint32_t at = 0; at + ASD_UPDATE_RECORD_BYTES <= flash->page_bytes; at += ASD_UPDATE_RECORD_BYTES) {
        uint8_t bytes[ASD_UPDATE_RECORD_BYTES];
        asd_update_record record;
        const bool is_readable =
            flash->read(flash->context, update->settings->log_pages[page] + at, bytes, sizeof bytes);
        if (is_readable && is_erased(bytes, sizeof bytes)) {
            continue;
        }
        next = at + ASD_UPDATE_RECORD_BYTES;
        if (is_readable && read_words(&record, bytes) &&
            (!update->has_record || record.sequence > update->record.sequence)) {
            update->record = record;
            update->has_record = true;
            update->newest_page = page;
        }
    }
    return next;
}

void asd_update_log_read(asd_update *update)
{
    uint32_t next[2];
    update->has_record = false;
    update->newest_page = 0;
    for (uint32_t page = 0; page < 2u; page++) {
        next[page] = read_page(update, page);
    }
    update->log_page = update->newest_page;
    update->log_next = next[update->log_page];
}

/* True: the flash gives back what was written. */
static bool write_record(const asd_update *update, uint32_t address, const uint8_t bytes[ASD_UPDATE_RECORD_BYTES])
{
    const asd_flash *const flash = &update->settings->flash;
    uint8_t found[ASD_UPDATE_RECORD_BYTES];
    for (uint32_t i = 0; i < ASD_UPDATE_RECORD_BYTES; i += flash->word_bytes) {
        if (!flash->program(flash->context, address + i, &bytes[i])) {
            return false;
        }
    }
    return flash->read(flash->context, address, found, sizeof found) && memcmp(found, bytes, sizeof found) == 0;
}

/* The page without the newest record, erased; a page that can't be erased is of no use. */
static bool change_page(asd_update *update)
{
    const asd_flash *const flash = &update->settings->flash;
    const uint32_t page = update->has_record ? 1u - update->newest_page : update->log_page;
    if (!flash->erase(flash->context, update->settings->log_pages[page])) {
        return false;
    }
    update->log_page = page;
    update->log_next = 0;
    return true;
}

bool asd_update_log_append(asd_update *update, const asd_update_record *record)
{
    const uint32_t page_bytes = update->settings->flash.page_bytes;
    asd_update_record next = *record;
    uint8_t bytes[ASD_UPDATE_RECORD_BYTES];
    if (update->has_record && update->record.sequence == UINT32_MAX) {
        return false; /* nothing could be newer: no device lives to see it, but a log that somebody wrote may */
    }
    next.sequence = update->has_record ? update->record.sequence + 1u : 1u;
    write_words(bytes, &next);
    bool has_changed = false;
    for (;;) {
        if (update->log_next + ASD_UPDATE_RECORD_BYTES > page_bytes) {
            if (has_changed || !change_page(update)) {
                return false;
            }
            has_changed = true;
        }
        const uint32_t address = update->settings->log_pages[update->log_page] + update->log_next;
        update->log_next += ASD_UPDATE_RECORD_BYTES;
        if (write_record(update, address, bytes)) {
            update->record = next;
            update->has_record = true;
            update->newest_page = update->log_page;
            return true;
        }
    }
}
