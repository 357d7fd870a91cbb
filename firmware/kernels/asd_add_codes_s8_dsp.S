/* asd_add_codes_s8_dsp.c in 13.75 instructions per code. */
    .syntax unified
    .thumb
    .text

/* r0 first, r1 second, r2 end of first, r3 output, r4-r11 the members of asd_add_constants, r12 and lr spare */
    .macro  code
    ldrsb   lr, [r1], #1
    add     r12, r4, lr, lsl #21
    add     lr, r6, r12, asr #31
    smmlar  r12, r12, r5, lr
    asr     r12, r12, r7
    ldrsb   lr, [r0], #1
    add     r12, r12, lr, lsl #19
    add     r12, r8, r12, lsl #1
    add     lr, r10, r12, asr #31
    smmlar  r12, r12, r9, lr
    asr     r12, r12, r11
    ssat    r12, #8, r12
    strb    r12, [r3], #1
    .endm

/* void asd_add_codes_s8_dsp(const asd_add_constants *constants, const int8_t *first, const int8_t *second, uint32_t n,
 *                           int8_t *output) */
    .global asd_add_codes_s8_dsp
    .type asd_add_codes_s8_dsp, %function
    .thumb_func
asd_add_codes_s8_dsp:
    push    {r3-r11, lr}
    ldmia   r0, {r4-r11}
    mov     r0, r1
    mov     r1, r2
    add     r2, r0, r3
    and     r12, r3, #3
    add     r12, r0, r12
    str     r12, [sp]               /* end of those that make no group of four */
    ldr     r3, [sp, #40]
    b       2f
1:
    code
2:
    ldr     r12, [sp]
    cmp     r0, r12
    bne     1b
    b       4f
3:
    .rept   4
    code
    .endr
4:
    cmp     r0, r2
    bne     3b
    pop     {r3-r11, pc}
    .size asd_add_codes_s8_dsp, . - asd_add_codes_s8_dsp
