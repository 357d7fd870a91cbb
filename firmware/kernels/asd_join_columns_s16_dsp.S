/* asd_join_columns_s16_dsp.c in 21 instructions per row. */
    .syntax unified
    .thumb
    .text

    .equ    PLANE, 336

/* void asd_join_columns_s16_dsp(const asd_column_rows *rows) */
    .global asd_join_columns_s16_dsp
    .type asd_join_columns_s16_dsp, %function
    .thumb_func
asd_join_columns_s16_dsp:
    push    {r3-r11, lr}
    ldmia   r0, {r0-r4, r6, r7}     /* columns, row_bytes, n_rows, zero_point, planes */
    mov     r5, r7
    mov     r8, r4
    mov     r4, r3
    mul     r8, r8, r4
    str     r8, [sp]                /* end of the rows */
    rsb     r6, r6, #0
    pkhbt   r6, r6, r6, lsl #16
    mov     r3, #0
1:
    ldr     r7, [r0, r3]
    ldr     r8, [r1, r3]
    ldr     r9, [r2, r3]
    add     r3, r3, r4
    sxtab16 r10, r6, r7
    sxtab16 r11, r6, r8
    sxtab16 r7, r6, r7, ror #8
    sxtab16 r8, r6, r8, ror #8
    sxtab16 r12, r6, r9
    sxtab16 lr, r6, r9, ror #8
    pkhbt   r9, r10, r11, lsl #16
    strd    r9, r12, [r5], #8
    pkhtb   r9, r11, r10, asr #16
    strd    r9, r12, [r5, #(2 * PLANE - 8)]
    pkhbt   r9, r7, r8, lsl #16
    strd    r9, lr, [r5, #(PLANE - 8)]
    pkhtb   r9, r8, r7, asr #16
    strd    r9, lr, [r5, #(3 * PLANE - 8)]
    ldr     r9, [sp]
    cmp     r3, r9
    bne     1b
    pop     {r3-r11, pc}
    .size asd_join_columns_s16_dsp, . - asd_join_columns_s16_dsp
