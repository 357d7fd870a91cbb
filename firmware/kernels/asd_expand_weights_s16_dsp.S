/* asd_expand_weights_s16_dsp.c in 13 instructions per 16 weights. */
    .syntax unified
    .thumb
    .text

/* void asd_expand_weights_s16_dsp(const int8_t *first, const int8_t *second, uint32_t n_taps, int16_t *pairs) */
    .global asd_expand_weights_s16_dsp
    .type asd_expand_weights_s16_dsp, %function
    .thumb_func
asd_expand_weights_s16_dsp:
    push    {r4-r11, lr}
    lsrs    r12, r2, #3
    beq     2f
1:
    ldmia   r0!, {r6, r10}
    ldmia   r1!, {r7, r11}
    sxtb16  r4, r6
    sxtb16  r5, r7
    sxtb16  r6, r6, ror #8
    sxtb16  r7, r7, ror #8
    sxtb16  r8, r10
    sxtb16  r9, r11
    sxtb16  r10, r10, ror #8
    sxtb16  r11, r11, ror #8
    stmia   r3!, {r4-r11}
    subs    r12, r12, #1
    bne     1b
2:
    tst     r2, #4
    beq     3f
    ldr     r6, [r0]
    ldr     r7, [r1]
    sxtb16  r4, r6
    sxtb16  r5, r7
    sxtb16  r6, r6, ror #8
    sxtb16  r7, r7, ror #8
    stmia   r3, {r4-r7}
3:
    pop     {r4-r11, pc}
    .size asd_expand_weights_s16_dsp, . - asd_expand_weights_s16_dsp
