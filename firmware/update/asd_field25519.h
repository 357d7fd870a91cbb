/* Numbers modulo 2^255 - 19. Outputs may be inputs. */
#ifndef ASD_FIELD25519_H
#define ASD_FIELD25519_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint32_t words[8]; /* least significant first */
} field25519;

void field25519_add(field25519 *out, const field25519 *a, const field25519 *b);
void field25519_subtract(field25519 *out, const field25519 *a, const field25519 *b);
void field25519_multiply(field25519 *out, const field25519 *a, const field25519 *b);
void field25519_power(field25519 *out, const field25519 *base, const uint32_t exponent[8]);

/* To the one value below 2^255 - 19. */
void field25519_reduce(field25519 *value);

bool field25519_equal(const field25519 *a, const field25519 *b);

#endif
