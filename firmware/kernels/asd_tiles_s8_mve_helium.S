/* Sums of 4 output channels at 2 positions by VMLADAVA, 16 products an instruction, requantized and stored, pair of
 * positions after pair; for cores with MVE integer. Formulas: asd_tile_frame_mve.h. */
    .syntax unified
    .thumb
    .text

/* Offsets into asd_tile_frame; asd_multiply_packed_s8_mve_helium.c checks them. */
    .equ MULTIPLIERS, 32
    .equ RIGHT_SHIFTS, 48
    .equ LOW, 64
    .equ HIGH, 80
    .equ SLOPES, 96
    .equ NEGATIVE_ADD, 112
    .equ TABLE_OFFSETS, 128
    .equ LEFT_SHIFTS, 144
    .equ DOUBLINGS, 160
    .equ WEIGHTS, 176                   /* followed by the number of turns of the inner loop */
    .equ INPUT_STRIDE, 184              /* followed by the end of the output */
    .equ ZERO_POINT, 192                /* followed by the negative branch's shift, then by the output's stride */
    .equ NEGATIVE_SHIFT, 196
    .equ OUTPUT_STRIDE, 200
    .equ TABLE, 204                     /* followed by the negative branch's multiplier */
    .equ NEGATIVE_LEFT, 212

/* 16 products of each sum. r3 and r5 point at the codes of two positions, r9 at the weights of 4 channels. The sums:
 * r0, r2, r4, r6 of the first position, r8, r10, r12, lr of the second. */
    .macro multiply
    vldrw.u32   q0, [r3], #16
    vldrw.u32   q2, [r9], #16
    vmladava.s8 r0, q0, q2
    vldrw.u32   q1, [r5], #16
    vmladava.s8 r8, q1, q2
    vldrw.u32   q3, [r9], #16
    vmladava.s8 r2, q0, q3
    vmladava.s8 r10, q1, q3
    vldrw.u32   q2, [r9], #16
    vmladava.s8 r4, q0, q2
    vmladava.s8 r12, q1, q2
    vldrw.u32   q3, [r9], #16
    vmladava.s8 r6, q0, q3
    vmladava.s8 lr, q1, q3
    .endm

/* unroll: blocks of 16 products in one turn of the inner loop, 0 where there is one block and no loop.
 * is_general: for shifts to the left or of 0. */
    .macro tiles name, unroll, is_general, activation
    .global \name
    .type   \name, %function
    .thumb_func
    .balign 4
\name:
    push    {r4-r11, lr}
    sub     sp, #4
    vpush   {d8-d15}
    mov     r11, r0
    mov     r3, r1
    mov     r1, r2                      /* output, in a register that VSTRB can use */
    ldr     r0, [r11, #INPUT_STRIDE]
    add     r5, r3, r0
    vldrw.u32 q4, [r11, #MULTIPLIERS]
    vldrw.u32 q5, [r11, #RIGHT_SHIFTS]
    vldrw.u32 q6, [r11, #LOW]
    vldrw.u32 q7, [r11, #HIGH]
1:
    ldrd    r9, r7, [r11, #WEIGHTS]
    ldm     r11, {r0, r2, r4, r6, r8, r10, r12, lr} /* bias */
    .if \unroll
2:
    .rept \unroll
    multiply
    .endr
    subs    r7, #1
    bne     2b
    .else
    multiply
    .endif
    vmov    q0[2], q0[0], r0, r4          /* r0 into lane 0 */
    vmov    q0[3], q0[1], r2, r6
    vmov    q1[2], q1[0], r8, r12
    vmov    q1[3], q1[1], r10, lr
    .if \is_general
    vldrw.u32 q2, [r11, #LEFT_SHIFTS]
    vshl.s32 q0, q0, q2
    vshl.s32 q1, q1, q2
    .endif
    vqrdmulh.s32 q0, q0, q4
    vqrdmulh.s32 q1, q1, q4
    .if \is_general
    vldrw.u32 q2, [r11, #DOUBLINGS]
    vqshl.s32 q0, q0, q2
    vqshl.s32 q1, q1, q2
    .endif
    vshr.s32 q2, q0, #31                /* -1 where negative: halves round away from zero */
    vshr.s32 q3, q1, #31
    vqadd.s32 q0, q0, q2
    vqadd.s32 q1, q1, q3
    vrshl.s32 q0, q0, q5
    vrshl.s32 q1, q1, q5
    vqmovnb.s32 q0, q0                  /* both positions in turn */
    vqmovnt.s32 q0, q1
    vmax.s16 q0, q0, q6
    vmin.s16 q0, q0, q7
    ldrd    r6, r8, [r11, #INPUT_STRIDE]
    .ifc \activation, none
    ldr     r2, [r11, #ZERO_POINT]
    ldr     r0, [r11, #OUTPUT_STRIDE]
    vadd.i16 q1, q0, r2
    .endif
    .ifc \activation, prelu
    vldrw.u32 q2, [r11, #SLOPES]
    vmullb.s16 q1, q0, q2
    vmullt.s16 q2, q0, q2
    .if \is_general
    ldr     r0, [r11, #NEGATIVE_LEFT]
    vshl.s32 q1, r0
    vshl.s32 q2, r0
    .endif
    ldrd    r2, r4, [r11, #TABLE]
    vqrdmulh.s32 q1, q1, r4
    vqrdmulh.s32 q2, q2, r4
    vldrw.u32 q3, [r11, #NEGATIVE_ADD]
    vqadd.s32 q1, q1, q3
    vqadd.s32 q2, q2, q3
    ldrd    r10, r0, [r11, #NEGATIVE_SHIFT]
    vrshl.s32 q1, r10
    vrshl.s32 q2, r10
    vqmovnb.s32 q1, q1
    vqmovnt.s32 q1, q2
    vpt.s16 ge, q0, zr
    vldrbt.s16 q2, [r2, q0]
    vpsel   q1, q2, q1
    vqmovnb.s16 q1, q1
    .endif
    .ifc \activation, table
    vldrw.u32 q2, [r11, #TABLE_OFFSETS]
    ldrd    r0, r2, [r11, #OUTPUT_STRIDE]
    vadd.i16 q0, q0, q2
    vldrb.u16 q1, [r2, q0]
    .endif
    vstrb.32 q1, [r1]
    vshr.u32 q1, q1, #16
    add     r1, r0
    vstrb.32 q1, [r1]
    add     r1, r0
    mov     r3, r5
    add     r5, r6
    cmp     r1, r8
    bne     1b
    vpop    {d8-d15}
    add     sp, #4
    pop     {r4-r11, pc}
    .size   \name, . - \name
    .endm

    tiles asd_tiles_64_none_s8_mve, 4, 0, none
    tiles asd_tiles_64_prelu_s8_mve, 4, 0, prelu
    tiles asd_tiles_64_table_s8_mve, 4, 0, table
    tiles asd_tiles_16_none_s8_mve, 1, 0, none
    tiles asd_tiles_16_prelu_s8_mve, 1, 0, prelu
    tiles asd_tiles_16_table_s8_mve, 1, 0, table
    tiles asd_tiles_once_table_s8_mve, 0, 0, table
    tiles asd_tiles_general_none_s8_mve, 1, 1, none
    tiles asd_tiles_general_prelu_s8_mve, 1, 1, prelu
    tiles asd_tiles_general_table_s8_mve, 1, 1, table
