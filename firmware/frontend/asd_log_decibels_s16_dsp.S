/* asd_log_decibels_s16 for cores with the DSP extension: 26 instructions per band at most. */
    .syntax unified
    .thumb
    .text

/* void asd_log_decibels_s16(const uint64_t *mel, int16_t *decibels)
 * r0 sums, r1 decibels, r2 offsets, r3 levels, r4 curve, r5 one octave, lr end of the sums */
    .global asd_log_decibels_s16
    .type asd_log_decibels_s16, %function
    .thumb_func
asd_log_decibels_s16:
    push    {r4-r11, lr}
    add     lr, r0, #1024
    ldr     r2, =asd_log_offsets
    ldr     r3, =asd_band_levels
    ldr     r4, =asd_log_curve
    ldr     r5, =asd_log_octave
    ldr     r5, [r5]
1:
    ldrd    r6, r7, [r0], #8
    ldr     r8, [r2], #4
    ldr     r9, [r3], #4
    adds    r6, r6, r8
    adcs    r7, r7, #0
    beq     2f
    clz     r10, r7                     /* 2..31 */
    add     r11, r10, #1
    lsl     r7, r7, r11                 /* the highest one leaves on the left */
    rsb     r11, r11, #32
    lsr     r6, r6, r11
    orr     r6, r6, r7
    rsb     r10, r10, #63
3:                                      /* r6 fraction in Q32, r10 exponent */
    mla     r9, r10, r5, r9
    lsr     r7, r6, #25
    add     r7, r4, r7, lsl #2
    ldrd    r8, r10, [r7]
    lsl     r6, r6, #7
    sub     r10, r10, r8
    umull   r7, r6, r10, r6
    add     r9, r9, r8
    add     r9, r9, r6
    asr     r9, r9, #15
    strh    r9, [r1], #2
    cmp     r0, lr
    bne     1b
    pop     {r4-r11, pc}
2:
    clz     r10, r6                     /* 0..10 */
    add     r11, r10, #1
    lsl     r6, r6, r11
    rsb     r10, r10, #31
    b       3b
    .ltorg
    .size asd_log_decibels_s16, . - asd_log_decibels_s16
