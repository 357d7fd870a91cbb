/* Which fault -> that fault, and how the board ends the run; 0: what the port says of its memory. */
#include <stddef.h>
#include <string.h>

#include "asd/asd_port.h"

typedef enum { NO_FAULT, READ_BEHIND_RAM, WRITE_FLASH, STACK_OVERFLOW, UNDEFINED, RUN_RAM, READ_BEHIND_MODEL } fault;

/* 1 KB of stack per level, until it is used up. */
static uint32_t descend(uint32_t depth)
{
    volatile uint8_t bytes[1024];
    memset((void *)(uintptr_t)bytes, (int)depth, sizeof bytes);
    const uint32_t below = depth == 0 ? 0u : descend(depth - 1u);
    return below + bytes[depth & 1023u];
}

static void *behind(const void *start, uint32_t n_bytes)
{
    return (void *)((uintptr_t)start + n_bytes);
}

static void cause(uint32_t which)
{
    uint32_t n_bytes = 0;
    switch (which) {
    case READ_BEHIND_RAM: {
        void *const arena = asd_port_arena(&n_bytes);
        asd_port_exit((int32_t)(*(volatile uint8_t *)behind(arena, n_bytes) & 1u));
        break;
    }
    case READ_BEHIND_MODEL: {
        const void *const model = asd_port_model(&n_bytes);
        asd_port_exit((int32_t)(*(volatile uint8_t *)behind(model, n_bytes) & 1u));
        break;
    }
    case WRITE_FLASH:
        *(volatile uint32_t *)behind(asd_port_model(&n_bytes), 0) = 1;
        break;
    case STACK_OVERFLOW:
        asd_port_exit((int32_t)(descend(64) & 1u));
        break;
    case UNDEFINED:
        __builtin_trap();
        break;
    case RUN_RAM: {
        /* bx lr, then its address as that of a function */
        uint16_t *const code = asd_port_arena(&n_bytes);
        code[0] = 0x4770;
        const uintptr_t address = (uintptr_t)code | 1u;
        void (*function)(void);
        memcpy(&function, &address, sizeof function);
        function();
        break;
    }
    default:
        break;
    }
}

int main(void)
{
    uint32_t which = NO_FAULT;
    if (asd_port_read(&which, sizeof which)) {
        cause(which);
    }
    asd_port_memory_use use;
    asd_port_memory(&use);
    asd_port_write(&use, sizeof use);
    asd_port_exit(0);
    return 0;
}
