/* The parts of a board that this example has none of: flash in RAM, no figures of memory. Put yours in their place. */
#include "ram_flash.h"

#include <string.h>

#include "asd/asd_port.h"

#define PAGE_BYTES 4096u
#define WORD_BYTES 8u

static uint8_t memory[2u * PAGE_BYTES + 2u * RAM_SLOT_BYTES] __attribute__((aligned(16)));

static bool read_bytes(void *context, uint32_t address, uint8_t *bytes, uint32_t n_bytes)
{
    (void)context;
    memcpy(bytes, &memory[address], n_bytes);
    return true;
}

static bool erase_page(void *context, uint32_t address)
{
    (void)context;
    memset(&memory[address], 0xFF, PAGE_BYTES);
    return true;
}

/* As flash does it: bits go from 1 to 0 only. */
static bool program_word(void *context, uint32_t address, const uint8_t *word)
{
    (void)context;
    for (uint32_t i = 0; i < WORD_BYTES; i++) {
        memory[address + i] &= word[i];
    }
    return memcmp(&memory[address], word, WORD_BYTES) == 0;
}

void ram_flash_start(asd_update_settings *settings)
{
    memset(memory, 0xFF, sizeof memory);
    settings->flash = (asd_flash){NULL, PAGE_BYTES, WORD_BYTES, read_bytes, erase_page, program_word};
    settings->log_pages[0] = 0;
    settings->log_pages[1] = PAGE_BYTES;
    settings->slots[0] = 2u * PAGE_BYTES;
    settings->slots[1] = 2u * PAGE_BYTES + RAM_SLOT_BYTES;
    settings->slot_bytes = RAM_SLOT_BYTES;
}

const uint8_t *ram_flash_at(uint32_t address)
{
    return &memory[address];
}

void asd_port_memory(asd_port_memory_use *use)
{
    memset(use, 0, sizeof *use);
}
