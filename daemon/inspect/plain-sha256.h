/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* SHA-256 (FIPS 180-4) as purgatory does it, lib/crypto/sha256.c: with a compiler's plain instructions. It is here to
 * be timed. What the digest of something is, libcrypto says. */

#include <stddef.h>
#include <stdint.h>

typedef struct PlainSha256 {
        uint32_t state[8];
} PlainSha256;

void plain_sha256_init(PlainSha256 *sha);

/* Whole blocks of 64 bytes; padding is the caller's. */
void plain_sha256_blocks(PlainSha256 *sha, const uint8_t *data, size_t n_blocks);
