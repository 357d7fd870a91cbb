/* A fault -> its cause from CFSR and HFSR in words, address and program counter; the run ends. Armv7-M ARM, B3.2.15. */
#include "fault.h"

#include <stdbool.h>

#include "linked_memory.h"
#include "semihosting.h"

#define ICSR (*(volatile uint32_t *)0xE000ED04u)
#define CFSR (*(volatile uint32_t *)0xE000ED28u)
#define HFSR (*(volatile uint32_t *)0xE000ED2Cu)
#define MMFAR (*(volatile uint32_t *)0xE000ED34u)
#define BFAR (*(volatile uint32_t *)0xE000ED38u)
#define MMFAR_IS_VALID (1u << 7)
#define BFAR_IS_VALID (1u << 15)
#define STACKING_FAILED (1u << 4 | 1u << 12 | 1u << 20)
#define FRAME_PC 6u /* word of the exception's frame */

void asd_report_fault(const uint32_t *frame);

static const struct {
    uint32_t bit; /* of CFSR */
    const char *cause;
} causes[] = {
    {20, "stack overflow (STKOF)"},
    {4, "stack overflow or outside of RAM at an exception (MSTKERR)"},
    {0, "instruction outside of flash (IACCVIOL)"},
    {1, "data outside of the part's memory (DACCVIOL)"},
    {3, "return from an exception outside of RAM (MUNSTKERR)"},
    {5, "FPU state outside of RAM (MLSPERR)"},
    {8, "no memory under an instruction (IBUSERR)"},
    {9, "no memory there (PRECISERR)"},
    {10, "no memory there, some instructions ago (IMPRECISERR)"},
    {11, "no memory at a return from an exception (UNSTKERR)"},
    {12, "no memory under the stack (STKERR)"},
    {16, "undefined instruction (UNDEFINSTR)"},
    {17, "not a Thumb address (INVSTATE)"},
    {18, "wrong return from an exception (INVPC)"},
    {19, "coprocessor, FPU or MVE off (NOCP)"},
    {24, "unaligned access (UNALIGNED)"},
    {25, "division by zero (DIVBYZERO)"},
};

static void write_hex(const char *name, uint32_t value)
{
    char text[11] = "0x";
    for (uint32_t i = 0; i < 8; i++) {
        text[2 + i] = "0123456789abcdef"[value >> (28 - 4 * i) & 15u];
    }
    text[10] = '\0';
    asd_semihost_print(name);
    asd_semihost_print(text);
}

__attribute__((weak)) void asd_after_fault(void)
{
    asd_semihost_exit(ASD_FAULT_CODE);
}

__attribute__((used)) void asd_report_fault(const uint32_t *frame)
{
    const uint32_t cfsr = CFSR;
    const char *cause = NULL;
    for (uint32_t i = 0; i < sizeof causes / sizeof *causes && cause == NULL; i++) {
        if ((cfsr >> causes[i].bit & 1u) != 0) {
            cause = causes[i].cause;
        }
    }
    asd_semihost_print("fault: ");
    asd_semihost_print(cause != NULL ? cause : "unexpected exception or end of main");
    if ((cfsr & MMFAR_IS_VALID) != 0) {
        write_hex(" at ", MMFAR);
    } else if ((cfsr & BFAR_IS_VALID) != 0) {
        write_hex(" at ", BFAR);
    }
    const uint32_t position = (uint32_t)(uintptr_t)frame;
    const bool is_in_ram = position >= (uint32_t)(uintptr_t)asd_ram_start &&
                           position + (FRAME_PC + 1u) * 4u <= (uint32_t)(uintptr_t)asd_ram_end;
    if (is_in_ram && (cfsr & STACKING_FAILED) == 0) {
        write_hex(", pc ", frame[FRAME_PC]);
    } else {
        asd_semihost_print(", pc unknown");
    }
    write_hex(", exception ", ICSR & 0x1FFu);
    write_hex(", CFSR ", cfsr);
    write_hex(", HFSR ", HFSR);
    asd_semihost_print("\n");
    asd_after_fault();
}

/* On a fresh stack where less than 1 KB of it is left; else below the frame that tells where it happened. */
__attribute__((naked)) void asd_fault(void)
{
    __asm__ volatile("mrs r0, msp\n"
                     "ldr r1, =asd_stack_bottom + 1024\n"
                     "cmp r0, r1\n"
                     "bhi 1f\n"
                     "ldr r1, =asd_stack_top\n"
                     "msr msp, r1\n"
                     "1: b asd_report_fault\n"
                     ".ltorg\n");
}
