/* asd_multiply_tiles_s16_dsp.c: four rows times two channels, 8 sums in registers, 11 instructions per 16 products. */
    .syntax unified
    .thumb
    .text

    .equ    BLOCK, 16               /* pairs of taps per round of the inner loop */
    .equ    PAIR_BYTES, 44          /* of code */

    .macro  pair
    ldrd    r2, r3, [r1], #8
    ldrd    r12, lr, [r0], #8
    smlad   r4, r12, r2, r4
    smlad   r5, r12, r3, r5
    smlad   r6, lr, r2, r6
    smlad   r7, lr, r3, r7
    ldrd    r12, lr, [r0], #8
    smlad   r8, r12, r2, r8
    smlad   r9, r12, r3, r9
    smlad   r10, lr, r2, r10
    smlad   r11, lr, r3, r11
    .endm

/* void asd_multiply_tiles_s16_dsp(const asd_tile_products *products)
 * r0 tiles, r1 weights, r4-r11 sums; on the stack: the biases four times, where the first round of a tile enters, the
 * weights' begin and end, where the sums go, the end of the tiles */
    .global asd_multiply_tiles_s16_dsp
    .type asd_multiply_tiles_s16_dsp, %function
    .thumb_func
asd_multiply_tiles_s16_dsp:
    push    {r4-r11, lr}
    sub     sp, sp, #52
    ldmia   r0, {r0-r6}             /* tiles, pairs, sums, n_tiles, n_taps, bias */
    strd    r5, r6, [sp]
    strd    r5, r6, [sp, #8]
    strd    r5, r6, [sp, #16]
    strd    r5, r6, [sp, #24]
    add     r5, r1, r4, lsl #2
    strd    r1, r5, [sp, #36]
    str     r2, [sp, #44]
    mul     r5, r3, r4
    add     r5, r0, r5, lsl #3
    str     r5, [sp, #48]
    adr     r5, 2f
    lsrs    r4, r4, #1
    ands    r4, r4, #(BLOCK - 1)    /* pairs of the first round, 0: all */
    beq     1f
    rsb     r4, r4, #BLOCK
    movs    r6, #PAIR_BYTES
    mla     r5, r4, r6, r5
1:
    orr     r5, r5, #1
    str     r5, [sp, #32]
3:
    ldr     r1, [sp, #36]
    ldmia   sp, {r4-r11}
    ldr     pc, [sp, #32]
    .balign 4
2:
    .rept   BLOCK
    pair
    .endr
4:
    ldr     r2, [sp, #40]
    cmp     r1, r2
    bne     2b
    ldr     r2, [sp, #44]
    stmia   r2!, {r4-r11}
    str     r2, [sp, #44]
    ldr     r2, [sp, #48]
    cmp     r0, r2
    bne     3b
    add     sp, sp, #52
    pop     {r4-r11, pc}
    .if     (4b - 2b) - BLOCK * PAIR_BYTES
    .error  "PAIR_BYTES is not the length of a pair"
    .endif
    .size asd_multiply_tiles_s16_dsp, . - asd_multiply_tiles_s16_dsp
