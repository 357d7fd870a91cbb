/* asd_multiply_row_s16_dsp.c in 22 instructions per 16 products. */
    .syntax unified
    .thumb
    .text

/* void asd_multiply_row_s16_dsp(const int16_t *row, const int8_t *first, const int8_t *second, uint32_t n_taps,
 *                               int32_t *sums) */
    .global asd_multiply_row_s16_dsp
    .type asd_multiply_row_s16_dsp, %function
    .thumb_func
asd_multiply_row_s16_dsp:
    push    {r3-r11, lr}
    mov     r12, #0
    lsrs    lr, r3, #3
    mov     r3, #0
    beq     2f
1:
    ldmia   r0!, {r4-r7}
    ldmia   r1!, {r8, r9}
    sxtb16  r10, r8
    sxtb16  r11, r8, ror #8
    smlad   r3, r4, r10, r3
    smlad   r3, r5, r11, r3
    sxtb16  r10, r9
    sxtb16  r11, r9, ror #8
    smlad   r3, r6, r10, r3
    smlad   r3, r7, r11, r3
    ldmia   r2!, {r8, r9}
    sxtb16  r10, r8
    sxtb16  r11, r8, ror #8
    smlad   r12, r4, r10, r12
    smlad   r12, r5, r11, r12
    sxtb16  r10, r9
    sxtb16  r11, r9, ror #8
    smlad   r12, r6, r10, r12
    smlad   r12, r7, r11, r12
    subs    lr, lr, #1
    bne     1b
2:
    ldr     lr, [sp]
    tst     lr, #4
    beq     3f
    ldrd    r4, r5, [r0]
    ldr     r8, [r1]
    ldr     r9, [r2]
    sxtb16  r10, r8
    sxtb16  r11, r8, ror #8
    smlad   r3, r4, r10, r3
    smlad   r3, r5, r11, r3
    sxtb16  r10, r9
    sxtb16  r11, r9, ror #8
    smlad   r12, r4, r10, r12
    smlad   r12, r5, r11, r12
3:
    ldr     lr, [sp, #40]
    strd    r3, r12, [lr]
    pop     {r3-r11, pc}
    .size asd_multiply_row_s16_dsp, . - asd_multiply_row_s16_dsp
