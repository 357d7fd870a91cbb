/* asd_window_radix8_s16 for cores with the DSP extension: 106 instructions per butterfly of 8 complex points. */
    .syntax unified
    .thumb
    .text

/* Point j of the butterfly, windowed: re, im. r1 points at its window values, r12 is free. */
    .macro windowed re, im, half, j
    ldr     r12, [\half, #256 * (\j & 3)]
    ldrd    \re, \im, [r1, #8 * \j]
    smulwb  \re, \re, r12
    smulwt  \im, \im, r12
    .endm

/* Points first, first + 2, first + 4, first + 6 -> r4:r5 difference02, r6:r7 difference13, r8:r9 sum02, lr:r10 sum13 */
    .macro sums_and_differences first
    windowed r4, r5, r2, \first
    windowed r6, r7, r3, (\first + 4)
    add     r8, r4, r6
    sub     r4, r4, r6
    add     r9, r5, r7
    sub     r5, r5, r7
    windowed r6, r7, r2, (\first + 2)
    windowed r10, r11, r3, (\first + 6)
    add     lr, r6, r10
    sub     r6, r6, r10
    add     r10, r7, r11
    sub     r7, r7, r11
    .endm

/* Output k = even + 2 * odd, output k + 4 = even - 2 * odd, odd in r10, r11; uses r6-r9. */
    .macro store_turned k
    ldrd    r6, r7, [r0, #8 * \k]
    add     r8, r6, r10, lsl #1
    add     r9, r7, r11, lsl #1
    strd    r8, r9, [r0, #8 * \k]
    sub     r6, r6, r10, lsl #1
    sub     r7, r7, r11, lsl #1
    strd    r6, r7, [r0, #8 * \k + 32]
    .endm

/* void asd_window_radix8_s16(const int16_t *old_half, const int16_t *new_half, asd_complex_s32 *spectrum) */
    .global asd_window_radix8_s16
    .type asd_window_radix8_s16, %function
    .thumb_func
asd_window_radix8_s16:
    push    {r3-r11, lr}
    mov     r3, r1
    mov     r12, r0
    mov     r0, r2
    mov     r2, r12
    ldr     r1, =asd_window_q29
    mov     r12, #0
    str     r12, [sp]                   /* blocks done */
1:
    sums_and_differences 0
    add     r11, r8, lr                 /* the even DFT waits where outputs 0..3 will stand */
    add     r12, r9, r10
    strd    r11, r12, [r0]
    sub     r8, r8, lr
    sub     r9, r9, r10
    strd    r8, r9, [r0, #16]
    add     r11, r4, r7
    sub     r12, r5, r6
    strd    r11, r12, [r0, #8]
    sub     r4, r4, r7
    add     r5, r5, r6
    strd    r4, r5, [r0, #24]

    sums_and_differences 1
    add     r11, r8, lr                 /* odd 0 */
    add     r12, r9, r10
    sub     r8, r8, lr                  /* odd 2 */
    sub     r9, r9, r10
    ldrd    r10, lr, [r0]
    sub     r11, r10, r11               /* output 4, then output 0 = 2 * even - output 4 */
    rsb     r10, r11, r10, lsl #1
    sub     r12, lr, r12
    rsb     lr, r12, lr, lsl #1
    strd    r10, lr, [r0]
    strd    r11, r12, [r0, #32]
    ldrd    r10, lr, [r0, #16]          /* odd 2 times -i */
    add     r11, r10, r9
    sub     r12, lr, r8
    strd    r11, r12, [r0, #16]
    sub     r10, r10, r9
    add     lr, lr, r8
    strd    r10, lr, [r0, #48]
    add     r8, r4, r7                  /* odd 1 */
    sub     r9, r5, r6
    sub     r4, r4, r7                  /* odd 3 */
    add     r5, r5, r6
    ldr     r12, =1518500250            /* 1 / sqrt(2) in Q31 */
    add     r10, r8, r9
    sub     r11, r9, r8
    smmulr  r10, r10, r12
    smmulr  r11, r11, r12
    store_turned 1
    add     r11, r4, r5
    sub     r10, r5, r4
    rsb     r11, r11, #0
    smmulr  r10, r10, r12
    smmulr  r11, r11, r12
    store_turned 3

    add     r0, r0, #64
    add     r1, r1, #64
    ldr     r12, [sp]                   /* the samples' order is the block number with its digits to base 4 reversed */
    add     r12, r12, #1
    str     r12, [sp]
    add     r2, r2, #64
    add     r3, r3, #64
    tst     r12, #3
    bne     1b
    sub     r2, r2, #240
    sub     r3, r3, #240
    tst     r12, #15
    bne     1b
    sub     r2, r2, #60
    sub     r3, r3, #60
    cmp     r12, #64
    bne     1b
    pop     {r3-r11, pc}
    .ltorg
    .size asd_window_radix8_s16, . - asd_window_radix8_s16
