/* asd_fir_sums_s16 for cores with the DSP extension: 30 instructions per 16 samples and both halves of their taps. */
    .syntax unified
    .thumb
    .text

/* void asd_fir_sums_s16(asd_fir_sums *sums, const int16_t *samples, const int16_t *high, const int16_t *low,
 *                       uint32_t n_samples): n_samples a multiple of 16, not 0 */
    .global asd_fir_sums_s16
    .type asd_fir_sums_s16, %function
    .thumb_func
asd_fir_sums_s16:
    push    {r0, r4-r11, lr}
    ldrd    r4, r5, [r0]
    ldrd    r6, r7, [r0, #8]
    ldr     r0, [sp, #40]
1:
    .rept 4
    ldrd    r8, r9, [r1], #8
    ldrd    r10, r11, [r2], #8
    ldrd    r12, lr, [r3], #8
    smlald  r4, r5, r8, r10
    smlald  r4, r5, r9, r11
    smlald  r6, r7, r8, r12
    smlald  r6, r7, r9, lr
    .endr
    subs    r0, r0, #16
    bne     1b
    ldr     r0, [sp]
    strd    r4, r5, [r0]
    strd    r6, r7, [r0, #8]
    pop     {r0, r4-r11, pc}
    .size asd_fir_sums_s16, . - asd_fir_sums_s16
