/* asd_split_power_s32 for cores with the DSP extension: 23 instructions per pair of bins. */
    .syntax unified
    .thumb
    .text

/* void asd_split_power_s32(asd_frontend_scratch *scratch): the spectrum stands first in it
 * r0 point k, going up, r1 point 512 - k, going down, r2 cos and sin. */
    .global asd_split_power_s32
    .type asd_split_power_s32, %function
    .thumb_func
asd_split_power_s32:
    push    {r4-r11, lr}
    add     r1, r0, #4088
    add     r0, r0, #8
    ldr     r2, =asd_split_q31
1:
    ldrd    r4, r5, [r0]
    ldrd    r6, r7, [r1]
    ldrd    r8, r9, [r2], #8
    sub     r10, r4, r6                 /* difference: r10, r11 */
    add     r11, r5, r7
    add     r4, r4, r6                  /* sum: r4, r5 */
    sub     r5, r5, r7
    smmulr  r6, r11, r8                 /* turned: r6, r7 */
    smmulr  r7, r10, r8
    smmlsr  r6, r10, r9, r6
    smmlar  r7, r11, r9, r7
    add     r8, r6, r4, asr #1          /* bin k: r8, r9 */
    rsb     r9, r7, r5, asr #1
    rsb     r6, r6, r4, asr #1          /* bin 512 - k: r6, r7 */
    add     r7, r7, r5, asr #1
    smull   r4, r5, r8, r8
    smlal   r4, r5, r9, r9
    smull   r10, r11, r6, r6
    smlal   r10, r11, r7, r7
    strd    r4, r5, [r0], #8
    strd    r10, r11, [r1], #-8
    cmp     r0, r1
    bne     1b
    ldrd    r4, r5, [r0]                /* bin 256 */
    smull   r6, r7, r4, r4
    smlal   r6, r7, r5, r5
    strd    r6, r7, [r0]
    pop     {r4-r11, pc}
    .ltorg
    .size asd_split_power_s32, . - asd_split_power_s32
