/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What there is to say about an image, from what was gathered and what it brings. */

#include "trust/authenticode.h"
#include "trust/material.h"
#include "trust/trust.h"

#define JUDGE_SIGNATURES_MAX 16U

typedef struct Evidence {
        const uint8_t *certificates; /* WIN_CERTIFICATEs; none: unsigned */
        size_t certificates_bytes;
        const uint8_t *digest;       /* of the image, AUTHENTICODE_DIGEST_BYTES; NULL: unknown, of an unsigned one */
        const char *sbat;            /* NULL: none */
} Evidence;

/* `ret` is to be signature_clear()ed, on failure too. 0 or -ENOMEM. */
int judge(Material *material, const Evidence *evidence, Signature *ret);
void signature_clear(Signature *signature);
