/* Reset of an aarch64 core at EL1: one page table of 1 GB blocks (devices below 1 GB, memory above), caches, FPU, stack
 * painted, zeros, main. Every exception ends the run with its cause. */
    .section .text.asd_reset, "ax"
    .globl asd_reset
asd_reset:
    ldr x0, =asd_vectors
    msr vbar_el1, x0
    mov x0, #(3 << 20)             /* CPACR: FPU and SIMD on */
    msr cpacr_el1, x0
    ldr x0, =0xFF00                /* attributes: 0 device, 1 write-back memory */
    msr mair_el1, x0
    ldr x0, =0x80803519            /* TCR: 39-bit addresses, 4 KB granule, write-back, no TTBR1 */
    msr tcr_el1, x0
    adr x0, asd_blocks
    msr ttbr0_el1, x0
    isb
    mrs x0, sctlr_el1
    ldr x1, =0x1005                /* MMU, data cache, instruction cache */
    orr x0, x0, x1
    msr sctlr_el1, x0
    isb
    ldr x0, =asd_bss_start
    ldr x1, =asd_bss_end
1:  cmp x0, x1
    b.hs 2f
    stp xzr, xzr, [x0], #16
    b 1b
2:  ldr x0, =asd_stack_bottom
    ldr x1, =asd_stack_top
    ldr x2, =0xA5D0A5D0A5D0A5D0
3:  str x2, [x0], #8
    cmp x0, x1
    b.lo 3b
    mov sp, x1
    bl main
    b asd_vector

    .balign 4096
asd_blocks:
    .quad 0x00000000 | 0x401 | (0 << 2)          /* device; access flag, block */
    .quad 0x40000000 | 0x701 | (1 << 2)          /* memory, inner shareable */
    .fill 510, 8, 0

    .balign 2048
asd_vectors:
    .rept 16
    .balign 128
    b asd_vector
    .endr
asd_vector:
    ldr x0, =asd_stack_top
    mov sp, x0
    mrs x0, esr_el1
    mrs x1, elr_el1
    mrs x2, far_el1
    b asd_report_exception
    .ltorg
