/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether a PE image is what somebody trusted has signed: all of it, command line and initrd of a UKI included, where
 * the kernel's own check of a kexec sees .linux alone.
 *
 * Trusted are the certificates (PEM or DER: *.pem, *.crt, *.cer, *.der) in the directories liveupdate/trust.d of
 * /etc, /run and /usr/lib, those of the platform (the EFI variables db and MokListRT), and images whose digest these
 * have. Of files of the same name the first counts, and one that is /dev/null masks the others. An anchor may be an
 * authority, or the signer itself. Revoked is what dbx and MokListXRT (digest, certificate, digest of a certificate)
 * or SbatLevelRT say. A certificate's dates and purposes do not matter, as for UEFI. What is trusted and cannot be
 * read is passed over; where what is revoked cannot be read, nothing is verified. */

#include <stdint.h>

#include "basic/cleanup.h"

typedef enum SignatureState {
        SIGNATURE_UNCHECKED, /* VerifyImage=off */
        SIGNATURE_ABSENT,
        SIGNATURE_UNKNOWN,   /* whole, by a signer who is not trusted here, or nobody can tell whether it is revoked */
        SIGNATURE_BROKEN,    /* of something else than this file: it was changed after it was signed, or unreadable */
        SIGNATURE_REVOKED,
        SIGNATURE_VERIFIED,
        _SIGNATURE_STATE_MAX,
} SignatureState;

typedef struct Signature {
        SignatureState state;
        char *signer; /* subject of the signer's certificate, one line; NULL unknown */
        char *detail; /* what exactly: "its digest is in dbx", "trusted by /etc/liveupdate/trust.d/site.pem"; or NULL */
} Signature;

/* `digest_hex` is the file's Authenticode SHA-256; it may be "" for one that is not signed, whose digest is then not
 * looked for among those that are trusted or revoked. The signatures are the WIN_CERTIFICATEs at that range of `fd`,
 * none with 0 bytes. `sbat` is the text of .sbat, or NULL. `root` is "" for the real one. 0 or a negative errno
 * (inspect.h); what speaks against the image is a state. */
int trust_verify(const char *root, int fd, uint64_t certificates_offset, uint64_t certificates_bytes,
                const char *digest_hex, const char *sbat, Signature **ret);
Signature *signature_free(Signature *signature);
DEFINE_CLEANUP(Signature *, signature_free)

const char *signature_state_to_string(SignatureState state); /* "unchecked", "absent", … */
int signature_state_from_string(const char *name);           /* -EINVAL */

/* A sentence each on what such a state means for an image, and what to do; the latter NULL for a verified one. */
const char *signature_state_message(SignatureState state);
const char *signature_state_remedy(SignatureState state);
