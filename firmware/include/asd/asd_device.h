/* What a board implements so that apps/detector runs on it, beside asd_port.h and asd_serial.h. */
#ifndef ASD_DEVICE_H
#define ASD_DEVICE_H

#include "asd/asd_update.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Clocks, timer, watchdog, microphone: on. */
void asd_device_start(void);

/* Flash, slots and log. The rules are the application's. */
void asd_device_flash(asd_update_settings *settings);

/* Where the model runs in place that lies at `address` of that flash. */
const uint8_t *asd_device_mapped(uint32_t address);

/* What the microphone has brought since the last call, at most `most`; 0: nothing. */
uint32_t asd_device_audio(int16_t *samples, uint32_t most);

/* Lamp, relay or pin. */
void asd_device_alarm(bool is_on);

/* Sleep until something happens. */
void asd_device_wait(void);

/* Milliseconds since the start, modulo 2^32. */
uint32_t asd_device_ms(void);

/* The application is alive; if it doesn't say so again within that time, the device is reset. */
void asd_device_watchdog(uint32_t seconds);

/* Does not return. */
void asd_device_restart(void);

#ifdef __cplusplus
}
#endif

#endif
