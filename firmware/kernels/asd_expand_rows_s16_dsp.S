/* asd_expand_rows_s16_dsp.c in 24 instructions per 16 codes. */
    .syntax unified
    .thumb
    .text

/* void asd_expand_rows_s16_dsp(const int8_t *rows, uint32_t n_taps, int32_t zero_point, uint32_t n_tiles,
 *                              int16_t *tiles) */
    .global asd_expand_rows_s16_dsp
    .type asd_expand_rows_s16_dsp, %function
    .thumb_func
asd_expand_rows_s16_dsp:
    push    {r4-r11, lr}
    mul     r12, r1, r3
    add     r12, r0, r12, lsl #2    /* end of all rows */
    add     lr, r0, r1              /* end of the tile's first row */
    push    {r12, lr}
    ldr     r3, [sp, #44]
    rsb     r2, r2, #0
    lsls    r2, r2, #1
    pkhbt   r2, r2, r2, lsl #16     /* -2 * zero point, twice */
1:
    add     r12, r0, r1, lsl #1
2:
    ldr     r9, [r0, r1]
    ldr     r8, [r0], #4
    ldr     r11, [r12, r1]
    ldr     r10, [r12], #4
    sxtab16 r4, r2, r8
    sxtab16 lr, r2, r8, ror #8
    sxtab16 r4, r4, r8
    sxtab16 r8, lr, r8, ror #8
    sxtab16 r5, r2, r9
    sxtab16 lr, r2, r9, ror #8
    sxtab16 r5, r5, r9
    sxtab16 r9, lr, r9, ror #8
    sxtab16 r6, r2, r10
    sxtab16 lr, r2, r10, ror #8
    sxtab16 r6, r6, r10
    sxtab16 r10, lr, r10, ror #8
    sxtab16 r7, r2, r11
    sxtab16 lr, r2, r11, ror #8
    sxtab16 r7, r7, r11
    sxtab16 r11, lr, r11, ror #8
    stmia   r3!, {r4-r11}
    ldr     lr, [sp, #4]
    cmp     r0, lr
    bne     2b
    add     lr, lr, r1, lsl #2
    str     lr, [sp, #4]
    add     r0, r12, r1             /* the next tile */
    ldr     lr, [sp]
    cmp     r0, lr
    bne     1b
    pop     {r0, r1, r4-r11, pc}
    .size asd_expand_rows_s16_dsp, . - asd_expand_rows_s16_dsp
