/* A ring of samples between an interrupt and a main loop, which loses whole windows or nothing. */
#include "asd/asd_audio_buffer.h"

#include <stddef.h>
#include <string.h>

#define MOST_ROOM (1u << 30)

/* What was written before is there for whoever sees the value. */
static void publish(uint32_t *position, uint32_t value)
{
    __atomic_store_n(position, value, __ATOMIC_RELEASE);
}

static uint32_t observe(const uint32_t *position)
{
    return __atomic_load_n(position, __ATOMIC_ACQUIRE);
}

/* Samples of one window into the ring; false, and none of them, where there is no room. */
static bool write(asd_audio_buffer *buffer, const int16_t *samples, uint32_t n)
{
    const uint32_t n_waiting = buffer->n_written - observe(&buffer->n_read);
    if (n > buffer->n_room - n_waiting) {
        return false;
    }
    const uint32_t slot = buffer->n_written & (buffer->n_room - 1u);
    const uint32_t n_to_end = buffer->n_room - slot, n_first = n < n_to_end ? n : n_to_end;
    memcpy(buffer->room + slot, samples, n_first * sizeof *samples);
    memcpy(buffer->room, samples + n_first, (n - n_first) * sizeof *samples);
    publish(&buffer->n_written, buffer->n_written + n);
    buffer->most_samples = n_waiting + n > buffer->most_samples ? n_waiting + n : buffer->most_samples;
    return true;
}

static void drop_window(asd_audio_buffer *buffer)
{
    buffer->is_dropping = true;
    buffer->n_windows_dropped++;
    buffer->gap_start = buffer->window_start;
    buffer->gap_end = buffer->n_written;
    __atomic_store_n(&buffer->has_gap, true, __ATOMIC_RELEASE);
}

/* The first sample of a window comes. While the consumer has not seen the gap before it, it is dropped whole. */
static void begin_window(asd_audio_buffer *buffer)
{
    buffer->window_start = buffer->n_written;
    buffer->n_of_window = 0;
    if (buffer->is_dropping) {
        buffer->is_dropping = __atomic_load_n(&buffer->has_gap, __ATOMIC_ACQUIRE);
        buffer->n_windows_dropped += buffer->is_dropping ? 1u : 0u;
    }
}

asd_status asd_audio_buffer_start(asd_audio_buffer *buffer, int16_t *room, uint32_t n_room, uint32_t window_samples)
{
    if (n_room == 0 || n_room > MOST_ROOM || (n_room & (n_room - 1u)) != 0 || window_samples == 0) {
        return ASD_ERROR_ARGUMENT;
    }
    memset(buffer, 0, sizeof *buffer);
    buffer->room = room;
    buffer->n_room = n_room;
    buffer->window_samples = window_samples;
    return ASD_OK;
}

void asd_audio_buffer_push(asd_audio_buffer *buffer, const int16_t *samples, uint32_t n)
{
    while (n > 0) {
        if (buffer->n_of_window == buffer->window_samples) {
            begin_window(buffer);
        }
        const uint32_t n_left = buffer->window_samples - buffer->n_of_window, n_piece = n < n_left ? n : n_left;
        if (!buffer->is_dropping && !write(buffer, samples, n_piece)) {
            drop_window(buffer);
        }
        buffer->n_of_window += n_piece;
        samples += n_piece;
        n -= n_piece;
    }
}

uint32_t asd_audio_buffer_peek(asd_audio_buffer *buffer, const int16_t **samples, bool *is_new)
{
    *is_new = false;
    uint32_t n_waiting = observe(&buffer->n_written) - buffer->n_read;
    if (__atomic_load_n(&buffer->has_gap, __ATOMIC_ACQUIRE)) {
        /* nothing is written behind the gap before the consumer has cleared it */
        const uint32_t n_before = buffer->gap_start - buffer->n_read;
        if (n_before == 0 || n_before > MOST_ROOM) { /* the consumer is at the gap, or already within it */
            publish(&buffer->n_read, buffer->gap_end);
            __atomic_store_n(&buffer->has_gap, false, __ATOMIC_RELEASE);
            *is_new = true;
            n_waiting = 0; /* what came in meanwhile is there at the next call */
        } else {
            n_waiting = n_before;
        }
    }
    const uint32_t slot = buffer->n_read & (buffer->n_room - 1u), n_to_end = buffer->n_room - slot;
    *samples = buffer->room + slot;
    return n_waiting < n_to_end ? n_waiting : n_to_end;
}

void asd_audio_buffer_release(asd_audio_buffer *buffer, uint32_t n)
{
    publish(&buffer->n_read, buffer->n_read + n);
}
