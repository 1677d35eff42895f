/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The signature of a PE image: a PKCS#7 SignedData over an SpcIndirectDataContent, which has the image's digest.
 * Microsoft: "Windows Authenticode Portable Executable Signature Format". Whether the signer is trusted is not looked
 * at. */

#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

#include "basic/cleanup.h"

#define AUTHENTICODE_DIGEST_BYTES 32U /* SHA-256 */

/* The table of signatures: takes the contents of the next WIN_CERTIFICATE from its beginning. 1, 0 at the end,
 * -EBADMSG. */
int win_certificate_next(const uint8_t **data, size_t *size, const uint8_t **ret, size_t *ret_size);

typedef struct Authenticode {
        X509 *signer;
        STACK_OF(X509) *certificates; /* all that came along, the signer's among them */
} Authenticode;

/* 0 if it is a signature by `signer` of an image of that digest; -EBADMSG with *ret_detail (static) if not; -ENOMEM. */
int authenticode_parse(const uint8_t *data, size_t size, const uint8_t digest[static AUTHENTICODE_DIGEST_BYTES],
                Authenticode **ret, const char **ret_detail);
Authenticode *authenticode_free(Authenticode *authenticode);
DEFINE_CLEANUP(Authenticode *, authenticode_free)
