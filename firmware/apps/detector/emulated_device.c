/* A device on an MPS2 or MPS3: its second RAM is the flash, the audio comes over the serial line, the alarm goes there.
 */
#include <string.h>

#include "asd/asd_device.h"
#include "board.h"
#include "fault.h"
#include "limit_memory.h"

#define SLOT_BYTES (1000u * 1024u)
#define PAGE_BYTES 4096u
#define WORD_BYTES 8u
#define FLASH_BYTES (2u << 20)

#define SYSTICK_CONTROL (*(volatile uint32_t *)0xE000E010u)
#define SYSTICK_RELOAD (*(volatile uint32_t *)0xE000E014u)
#define TICKS_PER_MS (ASD_TICKS_PER_1000 * 1000u / 64u) /* 64 ns per instruction */
#define SYSTICK_VALUE (*(volatile uint32_t *)0xE000E018u)
#define AIRCR (*(volatile uint32_t *)0xE000ED0Cu)
#define RESET_REQUEST (0x05FAu << 16 | 1u << 2)
#define WATCHDOG_HZ 25000000u
#define WATCHDOG_UNLOCK 0x1ACCE551u

void asd_systick(void);

static volatile uint32_t milliseconds;

static uint8_t *at(uint32_t address)
{
    return (uint8_t *)(uintptr_t)(ASD_SECOND_RAM + address);
}

static bool read_flash(void *context, uint32_t address, uint8_t *bytes, uint32_t n_bytes)
{
    (void)context;
    memcpy(bytes, at(address), n_bytes);
    return true;
}

static bool erase_page(void *context, uint32_t address)
{
    (void)context;
    memset(at(address), 0xFF, PAGE_BYTES);
    return true;
}

/* Bits go from 1 to 0 only, as in flash. */
static bool program_word(void *context, uint32_t address, const uint8_t *word)
{
    (void)context;
    for (uint32_t i = 0; i < WORD_BYTES; i++) {
        at(address)[i] &= word[i];
    }
    return memcmp(at(address), word, WORD_BYTES) == 0;
}

/* Each millisecond, which also wakes the core: the serial line is polled. */
void asd_systick(void)
{
    milliseconds++;
}

void asd_device_start(void)
{
    asd_open_memory(ASD_SECOND_RAM, FLASH_BYTES);
#ifdef ASD_WATCHDOG
    asd_open_peripheral(ASD_WATCHDOG);
#endif
    SYSTICK_RELOAD = TICKS_PER_MS - 1u;
    SYSTICK_VALUE = 0;
    SYSTICK_CONTROL = 7;
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
    return at(address);
}

uint32_t asd_device_audio(int16_t *samples, uint32_t most)
{
    (void)samples;
    (void)most;
    return 0;
}

void asd_device_alarm(bool is_on)
{
    (void)is_on;
}

/* Not WFI: the serial line is polled, and would give a byte per tick. */
void asd_device_wait(void)
{
    __asm__ volatile("wfe");
}

uint32_t asd_device_ms(void)
{
    return milliseconds;
}

/* The first time that it runs out is a fault, which restarts; were that lost, the second resets the core. */
void asd_device_watchdog(uint32_t seconds)
{
#ifdef ASD_WATCHDOG
    volatile uint32_t *const watchdog = (volatile uint32_t *)ASD_WATCHDOG; /* load, value, control, clear */
    watchdog[0xC00 / 4] = WATCHDOG_UNLOCK;
    watchdog[0] = seconds * WATCHDOG_HZ;
    watchdog[3] = 1;
    watchdog[2] = 3;
#else
    (void)seconds;
#endif
}

void asd_device_restart(void)
{
    __asm__ volatile("dsb" ::: "memory");
    AIRCR = RESET_REQUEST;
    for (;;) {
    }
}

void asd_after_fault(void)
{
    asd_device_restart();
}
