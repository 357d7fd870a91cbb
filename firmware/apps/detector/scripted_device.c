/* A device on a host whose day is a script on standard input: bytes of its line, samples of its microphone, time. Its
 * answers go to standard output. The script begins with a bundle, which a programmer has written into slot 0. */
#include <stdlib.h>
#include <string.h>

#include "asd/asd_device.h"
#include "asd/asd_port.h"
#include "asd/asd_serial.h"

#define PAGE_BYTES 4096u
#define WORD_BYTES 8u
#define SLOT_BYTES (1u << 20)
#define MOST_EVENT_BYTES (1u << 20)

typedef enum { SERIAL_BYTES = 0, MICROPHONE_BYTES = 1, MILLISECONDS = 2 } event_kind;

static uint8_t memory[2u * PAGE_BYTES + 2u * SLOT_BYTES] __attribute__((aligned(16)));
static uint8_t event[MOST_EVENT_BYTES];
static uint32_t kind, n_event, n_used; /* of MILLISECONDS n_event is how many pass */
static uint32_t milliseconds;

static bool read_flash(void *context, uint32_t address, uint8_t *bytes, uint32_t n_bytes)
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

static bool program_word(void *context, uint32_t address, const uint8_t *word)
{
    (void)context;
    memcpy(&memory[address], word, WORD_BYTES);
    return true;
}

void asd_device_start(void)
{
    uint32_t n_bundle = 0;
    memset(memory, 0xFF, sizeof memory);
    if (!asd_port_read(&n_bundle, sizeof n_bundle) || n_bundle > SLOT_BYTES ||
        !asd_port_read(&memory[2u * PAGE_BYTES], n_bundle)) {
        asd_port_exit(2);
    }
}

void asd_device_flash(asd_update_settings *settings)
{
    settings->flash = (asd_flash){NULL, PAGE_BYTES, WORD_BYTES, read_flash, erase_page, program_word};
    settings->slots[0] = 2u * PAGE_BYTES;
    settings->slots[1] = 2u * PAGE_BYTES + SLOT_BYTES;
    settings->slot_bytes = SLOT_BYTES;
    settings->log_pages[0] = 0;
    settings->log_pages[1] = PAGE_BYTES;
}

const uint8_t *asd_device_mapped(uint32_t address)
{
    return &memory[address];
}

bool asd_serial_read(uint8_t *byte)
{
    if (kind != SERIAL_BYTES || n_used == n_event) {
        return false;
    }
    *byte = event[n_used++];
    return true;
}

void asd_serial_write(const uint8_t *bytes, uint32_t n_bytes)
{
    asd_port_write(bytes, n_bytes);
}

uint32_t asd_device_audio(int16_t *samples, uint32_t most)
{
    if (kind != MICROPHONE_BYTES) {
        return 0;
    }
    const uint32_t left = (n_event - n_used) / 2u, n = left < most ? left : most;
    memcpy(samples, &event[n_used], 2u * n);
    n_used += 2u * n;
    return n;
}

void asd_device_alarm(bool is_on)
{
    (void)is_on;
}

/* All of the event is used: the next one. */
void asd_device_wait(void)
{
    n_used = 0;
    if (!asd_port_read(&kind, sizeof kind) || !asd_port_read(&n_event, sizeof n_event)) {
        exit(0);
    }
    if (kind == MILLISECONDS) {
        milliseconds += n_event;
    } else if (n_event > MOST_EVENT_BYTES || !asd_port_read(event, n_event)) {
        asd_port_exit(2);
    }
}

uint32_t asd_device_ms(void)
{
    return milliseconds;
}

void asd_device_watchdog(uint32_t seconds)
{
    (void)seconds;
}

void asd_device_restart(void)
{
    asd_port_exit(4);
}
