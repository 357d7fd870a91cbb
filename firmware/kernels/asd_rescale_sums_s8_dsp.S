/* asd_rescale_sums_s8_dsp.c, 7.25 instructions per code. */
    .syntax unified
    .thumb
    .text

/* r0 spare, r1 sums, r2 end, r3 output, r4 multiplier, r5 rounding, r6 right, r7 stride, r8 table, r9 end of those
 * that make no group of four, r12 sum */
    .macro  code
    ldr     r12, [r1], #8
    add     r0, r5, r12, asr #31
    smmlar  r0, r12, r4, r0
    asr     r0, r0, r6
    ssat    r0, #8, r0
    .endm

/* void asd_rescale_sums_s8_dsp(const asd_rescaling *rescaling, const int32_t *sums, uint32_t n, int8_t *output) */
    .global asd_rescale_sums_s8_dsp
    .type asd_rescale_sums_s8_dsp, %function
    .thumb_func
asd_rescale_sums_s8_dsp:
    push    {r4-r9}
    ldmia   r0, {r4-r8}
    and     r9, r2, #3
    add     r9, r1, r9, lsl #3
    add     r2, r1, r2, lsl #3
    b       2f
1:
    code
    strb    r0, [r3]
    add     r3, r3, r7
2:
    cmp     r1, r9
    bne     1b
    b       4f
3:
    code
    strb    r0, [r3]
    code
    strb    r0, [r3, r7]
    add     r3, r3, r7, lsl #1
    code
    strb    r0, [r3]
    code
    strb    r0, [r3, r7]
    add     r3, r3, r7, lsl #1
4:
    cmp     r1, r2
    bne     3b
    pop     {r4-r9}
    bx      lr
    .size asd_rescale_sums_s8_dsp, . - asd_rescale_sums_s8_dsp
