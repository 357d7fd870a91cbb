/* asd_mel_power_u64 for cores with the DSP extension: 10 instructions per bin. */
    .syntax unified
    .thumb
    .text

/* void asd_mel_power_u64(const uint64_t *power, uint64_t *mel)
 * r0 bins, r1 bands, r2 weights, r3 counts of bins; r4:r5 what the segment before gave its band plus the whole segment,
 * r6:r7 the rising part. Segment 0 has no bin. */
    .global asd_mel_power_u64
    .type asd_mel_power_u64, %function
    .thumb_func
asd_mel_power_u64:
    push    {r4-r11, lr}
    add     r0, r0, #8
    add     r4, r1, #1024
    push    {r4, r5}
    ldr     r2, =asd_mel_weights_q32
    ldr     r3, =asd_mel_counts + 1
    mov     r4, #0
    mov     r5, #0
1:
    ldrb    lr, [r3], #1
    mov     r6, #0
    mov     r7, #0
2:
    ldrd    r8, r9, [r0], #8
    ldr     r10, [r2], #4
    adds    r4, r4, r8
    adc     r5, r5, r9
    umull   r11, r12, r8, r10
    umaal   r6, r12, r9, r10
    add     r7, r7, r12
    subs    lr, lr, #1
    bne     2b
    subs    r4, r4, r6
    sbc     r5, r5, r7
    strd    r4, r5, [r1], #8
    mov     r4, r6
    mov     r5, r7
    ldr     r8, [sp]
    cmp     r1, r8
    bne     1b
    pop     {r4, r5}
    pop     {r4-r11, pc}
    .ltorg
    .size asd_mel_power_u64, . - asd_mel_power_u64
