/* Erase and program in memory, cut short where the case says so. */
#include "simulated_flash.h"

#include <string.h>

uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static bool read_flash(void *context, uint32_t address, uint8_t *bytes, uint32_t n_bytes)
{
    simulated_flash *const flash = context;
    if (address > flash->n_bytes || n_bytes > flash->n_bytes - address) {
        flash->n_misused++;
        return false;
    }
    memcpy(bytes, &flash->bytes[address], n_bytes);
    return address + n_bytes <= flash->bad_from || address >= flash->bad_until;
}

/* Each bit is the old or the new one, by chance. */
static void tear(simulated_flash *flash, uint32_t address, const uint8_t *wanted, uint32_t n_bytes)
{
    for (uint32_t i = 0; i < n_bytes; i++) {
        const uint8_t keep = (uint8_t)(next_random(&flash->random) >> 7), old = flash->bytes[address + i];
        const uint8_t new = wanted == NULL ? 0xFFu : wanted[i];
        flash->bytes[address + i] = (uint8_t)((old & keep) | (new & ~keep));
    }
}

static void set(simulated_flash *flash, uint32_t address, const uint8_t *wanted, uint32_t n_bytes)
{
    if (wanted == NULL) {
        memset(&flash->bytes[address], 0xFF, n_bytes);
    } else {
        memcpy(&flash->bytes[address], wanted, n_bytes);
    }
    if (address < flash->bad_until && address + n_bytes > flash->bad_from && wanted == NULL) {
        flash->bad_from = flash->bad_until = 0;
    }
}

static void change(simulated_flash *flash, uint32_t address, const uint8_t *wanted, uint32_t n_bytes)
{
    const bool is_cut = flash->n_operations++ == flash->cut_at;
    (*flash->counter)++;
    flash->n_misused += address < flash->kept_until && address + n_bytes > flash->kept_from ? 1u : 0u;
    if (!is_cut || flash->cut == CUT_AFTER) {
        set(flash, address, wanted, n_bytes);
    } else if (flash->cut != CUT_BEFORE) {
        tear(flash, address, wanted, n_bytes);
    }
    if (is_cut) {
        if (flash->cut == CUT_UNREADABLE) {
            flash->bad_from = address;
            flash->bad_until = address + n_bytes;
        }
        flash->on_cut();
    }
}

static bool erase_page(void *context, uint32_t address)
{
    simulated_flash *const flash = context;
    if (address % flash->page_bytes != 0 || address >= flash->n_bytes) {
        flash->n_misused++;
        return false;
    }
    change(flash, address, NULL, flash->page_bytes);
    return true;
}

static bool program_word(void *context, uint32_t address, const uint8_t *word)
{
    simulated_flash *const flash = context;
    if (address % flash->word_bytes != 0 || address >= flash->n_bytes) {
        flash->n_misused++;
        return false;
    }
    for (uint32_t i = 0; i < flash->word_bytes; i++) {
        flash->n_misused += flash->bytes[address + i] == 0xFFu ? 0u : 1u;
    }
    if (flash->is_worn) {
        return false;
    }
    change(flash, address, word, flash->word_bytes);
    return true;
}

asd_flash simulate_flash(simulated_flash *flash)
{
    return (asd_flash){flash, flash->page_bytes, flash->word_bytes, read_flash, erase_page, program_word};
}
