/* A 3x3 depthwise convolution channel by channel: VMLADAV sums 4 mel rows of 4 columns at once, 8 outputs are
 * requantized together and scattered into the column; for cores with MVE integer. Formulas: asd_tile_frame_mve.h. */
    .syntax unified
    .thumb
    .text

/* Offsets into asd_depthwise_frame, which has them in this order. */
    .equ TAP_OFFSETS, 0
    .equ ROWS, 16
    .equ OUTPUT_OFFSETS, 32
    .equ LOW, 48
    .equ HIGH, 64
    .equ WEIGHTS, 80                    /* followed by n_taps */
    .equ TAP_MASK, 88
    .equ BIAS, 92                       /* followed by the multipliers */
    .equ SHIFTS, 100                    /* followed by the slopes */
    .equ TABLE, 108                     /* followed by its step from channel to channel */
    .equ OUTPUT, 116                    /* followed by the number of outputs */
    .equ TILE_BYTES, 124
    .equ ZERO_POINT, 128                /* 128 more where a table follows */
    .equ NEGATIVE_MULTIPLIER, 132       /* followed by its right shift */
    .equ NEGATIVE_ADD, 140              /* followed by is_rounding */
    .equ NEGATIVE_LEFT, 148
    .equ N_CHANNELS, 152
    .equ CHANNEL, 156
    .equ SLOPE, 160                     /* followed by what its channel adds */
    .equ LEFT_SHIFT, 168
    .equ DOUBLING, 172

/* The 8 sums of a tile: r0, r2, r4, r6 those of even outputs, r8, r10, r12, lr those of odd ones. q4 points at the four
 * rows before the next window, 128 bytes ahead of it; with stride 1 a load of four rows serves two windows. */
    .macro sums stride
    .if \stride == 1
    vldrw.u32 q2, [q4, #128]!
    vmladav.s8 r0, q2, q5
    vldrw.u32 q3, [q4, #128]!
    vmladav.s8 r8, q2, q6
    vmladav.s8 r2, q3, q5
    vldrw.u32 q2, [q4, #128]!
    vmladav.s8 r10, q3, q6
    vmladav.s8 r4, q2, q5
    vldrw.u32 q3, [q4, #128]!
    vmladav.s8 r12, q2, q6
    vmladav.s8 r6, q3, q5
    vmladav.s8 lr, q3, q6
    .else
    vldrw.u32 q2, [q4, #128]!
    vmladav.s8 r0, q2, q5
    vldrw.u32 q3, [q4, #128]!
    vmladav.s8 r8, q3, q5
    vldrw.u32 q2, [q4, #128]!
    vmladav.s8 r2, q2, q5
    vldrw.u32 q3, [q4, #128]!
    vmladav.s8 r10, q3, q5
    vldrw.u32 q2, [q4, #128]!
    vmladav.s8 r4, q2, q5
    vldrw.u32 q3, [q4, #128]!
    vmladav.s8 r12, q3, q5
    vldrw.u32 q2, [q4, #128]!
    vmladav.s8 r6, q2, q5
    vldrw.u32 q3, [q4, #128]!
    vmladav.s8 lr, q3, q5
    .endif
    .endm

/* Channel r0's constants: r5 bias, r1 multiplier, r3 shift for VRSHL, r7 output, r9 outputs left, q5 and q6 weights. */
    .macro load_channel is_general, activation
    ldrd    r2, r4, [r11, #BIAS]
    ldr     r5, [r2, r0, lsl #2]
    ldr     r1, [r4, r0, lsl #2]
    ldrd    r2, r6, [r11, #SHIFTS]
    ldrsb   r3, [r2, r0]
    .if \is_general
    bic     r2, r3, r3, asr #31         /* max(shift, 0) */
    movs    r4, #0
    cmp     r3, #0
    itt     ge
    movge   r4, #1
    movge   r3, #-1
    strd    r2, r4, [r11, #LEFT_SHIFT]
    .endif
    .ifc \activation, prelu
    ldrsb   r4, [r6, r0]
    ldrd    r6, r8, [r11, #NEGATIVE_ADD]
    cmp     r4, #0
    it      gt
    subgt   r6, r8
    strd    r4, r6, [r11, #SLOPE]
    .endif
    ldrd    r2, r4, [r11, #WEIGHTS]
    mla     r2, r4, r0, r2
    vldrw.u32 q2, [r11, #TAP_OFFSETS]
    ldr     r4, [r11, #TAP_MASK]
    vmsr    p0, r4
    vpst
    vldrbt.u8 q5, [r2, q2]              /* [4 mels][4 columns], zeros beyond the kernel */
    vmov    q6, q5
    movs    r4, #0
    vshlc   q6, r4, #32                 /* one row later */
    vldrw.u32 q4, [r11, #ROWS]
    lsl     r2, r0, #2
    vadd.i32 q4, q4, r2
    ldrd    r7, r9, [r11, #OUTPUT]
    add     r7, r0
    .endm

    .macro depthwise name, stride, is_general, activation
    .global \name
    .type   \name, %function
    .thumb_func
    .balign 4
\name:
    push    {r4-r11, lr}
    sub     sp, #4
    vpush   {d8-d15}
    mov     r11, r0
    vldrw.u32 q7, [r11, #OUTPUT_OFFSETS]
    movs    r0, #0
1:
    str     r0, [r11, #CHANNEL]
    load_channel \is_general, \activation
2:
    sums    \stride
    vmov    q0[2], q0[0], r0, r4          /* r0 into lane 0 */
    vmov    q0[3], q0[1], r2, r6
    vmov    q1[2], q1[0], r8, r12
    vmov    q1[3], q1[1], r10, lr
    vadd.i32 q0, q0, r5
    vadd.i32 q1, q1, r5
    .if \is_general
    ldrd    r0, r2, [r11, #LEFT_SHIFT]
    vshl.s32 q0, r0
    vshl.s32 q1, r0
    .endif
    vqrdmulh.s32 q0, q0, r1
    vqrdmulh.s32 q1, q1, r1
    .if \is_general
    vqshl.s32 q0, r2
    vqshl.s32 q1, r2
    .endif
    vshr.s32 q2, q0, #31
    vshr.s32 q3, q1, #31
    vqadd.s32 q0, q0, q2
    vqadd.s32 q1, q1, q3
    vrshl.s32 q0, r3
    vrshl.s32 q1, r3
    vqmovnb.s32 q0, q0                  /* in the order of the rows */
    vqmovnt.s32 q0, q1
    vldrw.u32 q2, [r11, #LOW]
    vldrw.u32 q3, [r11, #HIGH]
    vmax.s16 q0, q0, q2
    vmin.s16 q0, q0, q3
    .ifc \activation, none
    ldr     r0, [r11, #ZERO_POINT]
    vadd.i16 q1, q0, r0
    .endif
    .ifc \activation, prelu
    ldrd    r0, r2, [r11, #SLOPE]
    vmul.i16 q3, q0, r0
    vmovlb.s16 q1, q3
    vmovlt.s16 q2, q3
    .if \is_general
    ldr     r0, [r11, #NEGATIVE_LEFT]
    vshl.s32 q1, r0
    vshl.s32 q2, r0
    .endif
    ldrd    r4, r6, [r11, #NEGATIVE_MULTIPLIER]
    vqrdmulh.s32 q1, q1, r4
    vqrdmulh.s32 q2, q2, r4
    vqadd.s32 q1, q1, r2
    vqadd.s32 q2, q2, r2
    vrshl.s32 q1, r6
    vrshl.s32 q2, r6
    vqmovnb.s32 q1, q1
    vqmovnt.s32 q1, q2
    ldr     r4, [r11, #TABLE]
    vpt.s16 ge, q0, zr
    vldrbt.s16 q2, [r4, q0]
    vpsel   q1, q2, q1
    vqmovnb.s16 q1, q1
    .endif
    .ifc \activation, table
    ldr     r0, [r11, #ZERO_POINT]
    vadd.i16 q0, q0, r0
    ldr     r4, [r11, #TABLE]
    vldrb.u16 q1, [r4, q0]
    .endif
    vctp.16 r9
    ldr     r0, [r11, #TILE_BYTES]
    vpst
    vstrbt.16 q1, [r7, q7]
    add     r7, r0
    subs    r9, #8
    bgt     2b
    .ifc \activation, table
    ldrd    r0, r2, [r11, #TABLE]
    add     r0, r2
    str     r0, [r11, #TABLE]
    .endif
    ldrd    r2, r0, [r11, #N_CHANNELS]
    adds    r0, #1
    cmp     r0, r2
    blo     1b
    vpop    {d8-d15}
    add     sp, #4
    pop     {r4-r11, pc}
    .size   \name, . - \name
    .endm

    depthwise asd_depthwise_1_none_s8_mve, 1, 0, none
    depthwise asd_depthwise_1_prelu_s8_mve, 1, 0, prelu
    depthwise asd_depthwise_1_table_s8_mve, 1, 0, table
    depthwise asd_depthwise_2_none_s8_mve, 2, 0, none
    depthwise asd_depthwise_2_prelu_s8_mve, 2, 0, prelu
    depthwise asd_depthwise_2_table_s8_mve, 2, 0, table
    depthwise asd_depthwise_1_general_none_s8_mve, 1, 1, none
    depthwise asd_depthwise_1_general_prelu_s8_mve, 1, 1, prelu
    depthwise asd_depthwise_1_general_table_s8_mve, 1, 1, table
    depthwise asd_depthwise_2_general_none_s8_mve, 2, 1, none
    depthwise asd_depthwise_2_general_prelu_s8_mve, 2, 1, prelu
    depthwise asd_depthwise_2_general_table_s8_mve, 2, 1, table
