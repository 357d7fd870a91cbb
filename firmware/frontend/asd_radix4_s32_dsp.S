/* asd_radix4_s32 for cores with the DSP extension: 40 instructions per butterfly, everything of it in registers. */
    .syntax unified
    .thumb
    .text

/* r0 points at x0 and moves on by one point, r1 at three twiddles and moves on by three. Uses r2-r12 and lr.
 * LOAD and STORE reach the points at 1, 2 and 3 spans. */
    .macro butterfly load, store, span
    \load   r2, r3, 2 * \span           /* x2 */
    ldrd    r4, r5, [r1, #8]
    smmulr  r6, r2, r4
    smmulr  r7, r3, r4
    smmlar  r6, r3, r5, r6              /* x2 turned: r6, r7 */
    smmlsr  r7, r2, r5, r7
    ldrd    r2, r3, [r0]                /* x0 */
    mov     r4, #0x40000000
    smmlar  r2, r2, r4, r6              /* sum: r2, r3 */
    smmlar  r3, r3, r4, r7
    sub     r6, r2, r6, lsl #1          /* difference: r6, r7 */
    sub     r7, r3, r7, lsl #1
    \load   r4, r5, 3 * \span           /* x3 */
    ldrd    r8, r9, [r1, #16]
    smmulr  r12, r4, r8
    smmulr  lr, r5, r8
    smmlar  r12, r5, r9, r12            /* x3 turned: r12, lr */
    smmlsr  lr, r4, r9, lr
    \load   r4, r5, \span               /* x1 */
    ldrd    r8, r9, [r1], #24
    smmulr  r10, r4, r8
    smmulr  r11, r5, r8
    smmlar  r10, r5, r9, r10            /* x1 turned: r10, r11 */
    smmlsr  r11, r4, r9, r11
    add     r4, r10, r12                /* odd: r4, r5 */
    add     r5, r11, lr
    sub     r10, r10, r12               /* turned: r10, r11 */
    sub     r11, r11, lr
    add     r8, r2, r4
    add     r9, r3, r5
    sub     r2, r2, r4
    sub     r3, r3, r5
    \store  r2, r3, 2 * \span
    add     r4, r6, r11
    sub     r5, r7, r10
    \store  r4, r5, \span
    sub     r6, r6, r11
    add     r7, r7, r10
    \store  r6, r7, 3 * \span
    strd    r8, r9, [r0], #8
    .endm

    .macro load_near re, im, offset
    ldrd    \re, \im, [r0, #\offset]
    .endm

    .macro store_near re, im, offset
    strd    \re, \im, [r0, #\offset]
    .endm

    .macro load_far re, im, offset      /* beyond the 1020 bytes of an LDRD */
    ldr     \re, [r0, #\offset]
    ldr     \im, [r0, #\offset + 4]
    .endm

    .macro store_far re, im, offset
    str     \re, [r0, #\offset]
    str     \im, [r0, #\offset + 4]
    .endm

/* On the stack: end of the twiddles, their start, end of the points. */
    .macro pass load, store, n_points, twiddles
    ldr     r1, =\twiddles
    str     r1, [sp, #4]
    add     r2, r1, #24 * \n_points
    str     r2, [sp]
1:
    .rept 2
    butterfly \load, \store, 8 * \n_points
    .endr
    ldr     r2, [sp]
    cmp     r1, r2
    bne     1b
    .if \n_points < 128
    add     r0, r0, #24 * \n_points     /* the three spans just written */
    ldr     r1, [sp, #4]
    ldr     r2, [sp, #8]
    cmp     r0, r2
    bne     1b
    .endif
    .endm

/* void asd_radix4_s32(asd_complex_s32 *spectrum) */
    .global asd_radix4_s32
    .type asd_radix4_s32, %function
    .thumb_func
asd_radix4_s32:
    push    {r4-r11, lr}
    sub     sp, sp, #12
    add     r1, r0, #4096
    str     r1, [sp, #8]
    pass    load_near, store_near, 8, asd_twiddles_8_q30
    sub     r0, r0, #4096
    pass    load_near, store_near, 32, asd_twiddles_32_q30
    sub     r0, r0, #4096
    pass    load_far, store_far, 128, asd_twiddles_128_q30
    add     sp, sp, #12
    pop     {r4-r11, pc}
    .ltorg
    .size asd_radix4_s32, . - asd_radix4_s32
