/* asd_multiply_plane_s16_dsp.c in 8 (stride 1) or 9 instructions per sum of 9 products, and 3 per 4 sums. */
    .syntax unified
    .thumb
    .text

    .equ    WEIGHTS, 312            /* ASD_DSP_PLANE_WEIGHTS rows */

/* r0 plane, r1 sums, r2-r6 weights, r7 bias; stride 1 puts each sum in the place of its first row */
    .macro  sum, by_first, by_second, stride
    ldmia   r0, {r8-r12, lr}
    smlad   r8, r8, r2, r7
    \by_first r8, r9, r5, r8
    smlad   r8, r10, r3, r8
    \by_second r8, r11, r5, r8
    smlad   r8, r12, r4, r8
    \by_first r8, lr, r6, r8
    .if     \stride == 1
    str     r8, [r0], #8
    .else
    str     r8, [r1], #8
    add     r0, r0, #16
    .endif
    .endm

    .macro  sums, by_first, by_second, stride
1:
    .rept   4
    sum     \by_first, \by_second, \stride
    .endr
    ldr     r8, [sp]
    cmp     r0, r8
    bne     1b
    add     sp, sp, #8
    pop     {r3-r11, pc}
    .endm

/* void asd_multiply_plane_s16_dsp(int16_t *plane, int32_t doubled_bias, uint32_t n, uint32_t stride, bool is_upper) */
    .global asd_multiply_plane_s16_dsp
    .type asd_multiply_plane_s16_dsp, %function
    .thumb_func
asd_multiply_plane_s16_dsp:
    push    {r3-r11, lr}
    mov     r7, r1
    mov     r1, r0
    adds    r2, r2, #3
    bic     r2, r2, #3
    mul     r2, r2, r3
    add     r2, r0, r2, lsl #3
    ldr     r5, [sp, #40]
    push    {r2, r3}                /* where the rows of the last sum end; the stride */
    add     r2, r0, #WEIGHTS
    ldmia   r2, {r8-r12, lr}
    sadd16  r2, r8, r8
    sadd16  r3, r10, r10
    sadd16  r4, r12, r12
    cmp     r5, #0
    bne     2f
    pkhbt   r5, r9, r11, lsl #16
    sadd16  r5, r5, r5
    sadd16  r6, lr, lr
    ldr     r8, [sp, #4]
    cmp     r8, #2
    beq     3f
    sums    smlabb, smlabt, 1
3:
    sums    smlabb, smlabt, 2
2:
    pkhtb   r5, r11, r9, asr #16
    sadd16  r5, r5, r5
    asr     r6, lr, #16
    add     r6, r6, r6
    ldr     r8, [sp, #4]
    cmp     r8, #2
    beq     4f
    sums    smlatb, smlatt, 1
4:
    sums    smlatb, smlatt, 2
    .size asd_multiply_plane_s16_dsp, . - asd_multiply_plane_s16_dsp
