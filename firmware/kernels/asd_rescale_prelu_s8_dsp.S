/* asd_rescale_prelu_s8_dsp.c, 10.25 instructions per code, 4 more for one below the zero point. */
    .syntax unified
    .thumb
    .text

/* r0 sum, r1 sums, r2 spare, r3 output, r4-r12 and lr the members of asd_rescaling; the end is on the stack */
    .macro  code
    ldr     r0, [r1], #8
    add     r2, r5, r0, asr #31
    smmlar  r0, r0, r4, r2
    asr     r0, r0, r6
    ssat    r0, #8, r0
    subs    r2, r0, r9
    ldrb    r0, [r8, r0]            /* for nothing below the zero point */
    bge     9f
    mul     r2, r2, r10
    smmlar  r0, r2, r11, r12
    asr     r0, r0, lr
    ssat    r0, #8, r0
9:
    .endm

/* void asd_rescale_prelu_s8_dsp(const asd_rescaling *rescaling, const int32_t *sums, uint32_t n, int8_t *output) */
    .global asd_rescale_prelu_s8_dsp
    .type asd_rescale_prelu_s8_dsp, %function
    .thumb_func
asd_rescale_prelu_s8_dsp:
    push    {r4-r11, lr}
    add     r4, r1, r2, lsl #3
    and     r5, r2, #3
    add     r5, r1, r5, lsl #3
    push    {r4, r5}
    ldmia   r0, {r4-r12, lr}
    b       2f
1:                                  /* those that make no group of four */
    code
    strb    r0, [r3]
    add     r3, r3, r7
2:
    ldr     r2, [sp, #4]
    cmp     r1, r2
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
    ldr     r2, [sp]
    cmp     r1, r2
    bne     3b
    pop     {r0, r1, r4-r11, pc}
    .size asd_rescale_prelu_s8_dsp, . - asd_rescale_prelu_s8_dsp
