// SHA-256 by the instructions that processors have for it, which are eight times as fast as arithmetic.
#ifndef FRAMEGEN_SHA256_H
#define FRAMEGEN_SHA256_H

#include <stddef.h>
#include <stdint.h>

// One for each round (FIPS 180-4, 4.2.2).
extern const uint32_t sha256_constants[64];

// Takes `count` blocks of 64 bytes into a state (FIPS 180-4). Returns 0 and leaves the state as it is where this processor
// has no such instructions, or this file knows none of it.
int sha256_blocks(uint32_t state[8], const uint8_t *blocks, size_t count);

#endif
