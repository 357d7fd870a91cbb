/* The port of an emulated Cortex-M: files input.bin and output.bin by semihosting, instructions by the board's timer.
 */
#include "asd/asd_port.h"

#include "board.h"
#include "linked_memory.h"
#include "semihosting.h"

#define WRITE_FAILED 3

bool asd_port_read(void *bytes, uint32_t n_bytes)
{
    static bool is_open = false;
    static uint32_t handle;
    if (!is_open) {
        handle = asd_semihost_open("input.bin", 9, ASD_SEMIHOST_READ);
        is_open = true;
    }
    return asd_semihost_read(handle, bytes, n_bytes) == 0;
}

void asd_port_write(const void *bytes, uint32_t n_bytes)
{
    static bool is_open = false;
    static uint32_t handle;
    if (!is_open) {
        handle = asd_semihost_open("output.bin", 10, ASD_SEMIHOST_WRITE);
        is_open = true;
    }
    if (asd_semihost_write(handle, bytes, n_bytes) != 0) {
        asd_port_exit(WRITE_FAILED);
    }
}

uint32_t asd_port_ticks(void)
{
    return asd_board_ticks();
}

uint32_t asd_port_ticks_per_1000(void)
{
    return ASD_TICKS_PER_1000;
}

const void *asd_port_model(uint32_t *n_bytes)
{
    *n_bytes = (uint32_t)((uintptr_t)asd_model_end - (uintptr_t)asd_model_start);
    return asd_model_start;
}

void *asd_port_arena(uint32_t *n_bytes)
{
    *n_bytes = (uint32_t)((uintptr_t)asd_ram_end - (uintptr_t)asd_bss_end);
    return asd_bss_end;
}

void asd_port_memory(asd_port_memory_use *use)
{
    const uint32_t *free = asd_stack_bottom;
    while (free < asd_stack_top && *free == ASD_STACK_PAINT) {
        free++;
    }
    use->ram_bytes = (uint32_t)((uintptr_t)asd_ram_end - (uintptr_t)asd_ram_start);
    use->static_bytes = (uint32_t)((uintptr_t)asd_bss_end - (uintptr_t)asd_data_start);
    use->stack_bytes = (uint32_t)((uintptr_t)asd_stack_top - (uintptr_t)asd_stack_bottom);
    use->stack_used_bytes = (uint32_t)((uintptr_t)asd_stack_top - (uintptr_t)free);
}

void asd_port_exit(int32_t code)
{
    asd_semihost_exit(code);
}
