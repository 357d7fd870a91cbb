/* Hides AVX-512, VNNI and AMX from a program on an x86-64 Linux, so that its libraries choose the kernels of an AVX2
 * CPU.
 *
 *     gcc -O1 -shared -fPIC hide_dot_products.c -o hide.so && LD_PRELOAD=$PWD/hide.so python ...
 *
 * The kernel is asked to let CPUID fault (arch_prctl, flag cpuid_fault of /proc/cpuinfo); the handler answers for it.
 * Where the CPU can't, the program ends at once, rather than measure what it shouldn't. */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

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
    if (instruction[0] != 0x0f || instruction[1] != 0xa2) { /* a true fault: let it end the program */
        signal(signal_number, SIG_DFL);
        return;
    }
    syscall(SYS_arch_prctl, ARCH_SET_CPUID, 1);
    __asm__ volatile("cpuid" : "=a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx) : "a"(leaf), "c"(subleaf));
    syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0);
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
    sigaction(SIGSEGV, &action, NULL);
    if (syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0) != 0) {
        static const char reason[] = "hide_dot_products: this CPU or kernel can't let CPUID fault\n";
        (void)!write(STDERR_FILENO, reason, sizeof reason - 1);
        _exit(2);
    }
}
