/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What was gathered (material.h), parsed: whom to believe, and what is revoked. */

#include <openssl/x509.h>

#include "trust/esl.h"
#include "trust/material.h"

typedef struct Anchors {
        const Material *material;
        STACK_OF(X509) *trusted;
        const char **origins;    /* of each of them, borrowed from the material */
        STACK_OF(X509) *revoked;
        const char *sbat_level;  /* NULL: none */
        char *revocations_fault; /* what may be revoked is not known in full, why; NULL */
        char *passed_over;       /* what was to be trusted, and is not, why: "/etc/…/x.pem (…), db (…)"; NULL */
} Anchors;

/* Borrows the material. 0 or -ENOMEM. */
int anchors_new(Material *material, Anchors **ret);
Anchors *anchors_free(Anchors *anchors);
DEFINE_CLEANUP(Anchors *, anchors_free)

/* Where a certificate of `trusted` (by its contents) is from; NULL: it is none of them. */
const char *anchors_origin(const Anchors *anchors, const X509 *certificate);

/* Name of the variable that has an image of this digest, a certificate (whole, or by the digest of its
 * TBSCertificate); or NULL. */
const char *anchors_trust_image(const Anchors *anchors, const uint8_t *digest, size_t size);
const char *anchors_revoke_image(const Anchors *anchors, const uint8_t *digest, size_t size);
const char *anchors_revoke_certificate(const Anchors *anchors, const X509 *certificate);
