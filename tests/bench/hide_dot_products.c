/* Hides AVX-512, VNNI and AMX from libraries whose CPUID instructions `patched_litert.py` has replaced by UD0 (0f ff), an
 * opcode that no compiler emits: the handler answers in the instruction's place, so that XNNPACK chooses the kernels of an
 * AVX2 CPU. Needs nothing of CPU or kernel, where CPUID faulting (arch_prctl) needs both.
 *
 *     cc -O1 -shared -fPIC hide_dot_products.c -o hide.so && LD_PRELOAD=$PWD/hide.so python ... */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>

int hide_dot_products_answers; /* how often it was asked */

enum { LEAF_FEATURES = 7, LENGTH_OF_CPUID = 2 };

/* Leaf 7.0: AVX512F DQ IFMA PF ER CD BW VL; VBMI VBMI2 VNNI BITALG VPOPCNTDQ; 4VNNIW 4FMAPS VP2INTERSECT FP16 and AMX.
 */
static const uint32_t hidden_ebx = 0xdc230000u, hidden_ecx = 0x00005842u, hidden_edx = 0x03c0010cu;
/* Leaf 7.1: AVX_VNNI AVX512_BF16 AMX_FP16 AVX_IFMA; AVX_VNNI_INT8 AMX_COMPLEX AVX_VNNI_INT16. */
static const uint32_t hidden_eax_1 = 0x00a00030u, hidden_edx_1 = 0x00000510u;

static void on_fault(int signal_number, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    const uint8_t *instruction = (const uint8_t *)registers[REG_RIP];
    uint32_t leaf = (uint32_t)registers[REG_RAX], subleaf = (uint32_t)registers[REG_RCX];
    uint32_t eax, ebx, ecx, edx;
    (void)info;
    if (instruction[0] != 0x0f || instruction[1] != 0xff) { /* a true fault: let it end the program */
        signal(signal_number, SIG_DFL);
        return;
    }
    __asm__ volatile("cpuid" : "=a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx) : "a"(leaf), "c"(subleaf));
    hide_dot_products_answers++;
    if (leaf == LEAF_FEATURES && subleaf == 0) {
        ebx &= ~hidden_ebx;
        ecx &= ~hidden_ecx;
        edx &= ~hidden_edx;
    }
    if (leaf == LEAF_FEATURES && subleaf == 1) {
        eax &= ~hidden_eax_1;
        edx &= ~hidden_edx_1;
    }
    registers[REG_RAX] = eax;
    registers[REG_RBX] = ebx;
    registers[REG_RCX] = ecx;
    registers[REG_RDX] = edx;
    registers[REG_RIP] += LENGTH_OF_CPUID;
}

__attribute__((constructor)) static void hide(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigaction(SIGILL, &action, NULL);
}
