/* What compilers call for copies and zeros, there being no C library here. */
#include <stdint.h>
#include <string.h>

/* Loops that the compiler must not turn into calls of the function that they are in. */
#define PLAIN_LOOP __attribute__((optimize("no-tree-loop-distribute-patterns")))

PLAIN_LOOP void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    unsigned char *target = to;
    const unsigned char *source = from;
    for (size_t i = 0; i < n; i++) {
        target[i] = source[i];
    }
    return to;
}

PLAIN_LOOP void *memmove(void *to, const void *from, size_t n)
{
    unsigned char *const target = to;
    const unsigned char *const source = from;
    if ((uintptr_t)target - (uintptr_t)source >= n) {
        return memcpy(to, from, n);
    }
    for (size_t i = n; i > 0; i--) {
        target[i - 1] = source[i - 1];
    }
    return to;
}

PLAIN_LOOP void *memset(void *to, int value, size_t n)
{
    unsigned char *const target = to;
    for (size_t i = 0; i < n; i++) {
        target[i] = (unsigned char)value;
    }
    return to;
}

PLAIN_LOOP int memcmp(const void *first, const void *second, size_t n)
{
    const unsigned char *const a = first, *const b = second;
    for (size_t i = 0; i < n; i++) {
        if (a[i] != b[i]) {
            return a[i] < b[i] ? -1 : 1;
        }
    }
    return 0;
}
