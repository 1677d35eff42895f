/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* EFI_SIGNATURE_LISTs one behind the other, as db, dbx, MokListRT and MokListXRT hold them: UEFI 2.10, 32.4.1. */

#include <stddef.h>
#include <stdint.h>

typedef enum EslType {
        ESL_SHA256,      /* of an image */
        ESL_X509,        /* a certificate, DER */
        ESL_X509_SHA256, /* of what is signed of a certificate (TBSCertificate), and when it was revoked: 16 bytes */
        ESL_X509_SHA384,
        ESL_X509_SHA512,
        ESL_OTHER,
} EslType;

#define ESL_TIME_BYTES 16U /* EFI_TIME behind the digest of a certificate */

typedef struct EslEntry {
        EslType type;
        const uint8_t *data; /* borrowed from what is read; without the owner */
        size_t size;
} EslEntry;

typedef struct Esl {
        const uint8_t *data;
        size_t size;            /* from there to the end of all lists */
        size_t list_bytes;      /* from there to the end of the list that was begun */
        size_t signature_bytes; /* of each entry of it, with its owner */
        EslType type;
} Esl;

void esl_begin(Esl *esl, const void *data, size_t size);

/* 1; 0 at the end; -EBADMSG from the first fault on. */
int esl_next(Esl *esl, EslEntry *ret);
