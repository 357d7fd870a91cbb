/* void asd_interleave_columns_s8_mve(int8_t *rows, const asd_interleaved_columns *columns, uint32_t n_rows)
 * 16 channels of 3 columns -> rows [n_rows][16][4], the fourth code of each as it comes; for cores with MVE integer. */
    .syntax unified
    .thumb
    .text
    .global asd_interleave_columns_s8_mve
    .type   asd_interleave_columns_s8_mve, %function
    .thumb_func
    .balign 4
asd_interleave_columns_s8_mve:
    push    {r4-r7, lr}
    ldm     r1, {r1, r3-r7, lr}         /* columns, their strides, n_channels */
    vctp.8  lr
    mov     lr, r2
1:
    vpsttt
    vldrbt.u8 q0, [r1]
    vldrbt.u8 q1, [r3]
    vldrbt.u8 q2, [r4]
    add     r1, r5
    add     r3, r6
    add     r4, r7
    vst40.8 {q0, q1, q2, q3}, [r0]
    vst41.8 {q0, q1, q2, q3}, [r0]
    vst42.8 {q0, q1, q2, q3}, [r0]
    vst43.8 {q0, q1, q2, q3}, [r0]!
    le      lr, 1b
    pop     {r4-r7, pc}
    .size   asd_interleave_columns_s8_mve, . - asd_interleave_columns_s8_mve
