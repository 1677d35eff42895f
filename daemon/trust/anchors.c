/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trust/anchors.h"
#include "trust/der.h"
#include "trust/sbat.h"

#define LIST_BYTES_MAX 1024U

DEFINE_CLEANUP(X509 *, X509_free)
DEFINE_CLEANUP(BIO *, BIO_free)

Anchors *anchors_free(Anchors *anchors) {
        if (!anchors)
                return NULL;
        sk_X509_pop_free(anchors->trusted, X509_free);
        sk_X509_pop_free(anchors->revoked, X509_free);
        free(anchors->origins);
        free(anchors->revocations_fault);
        free(anchors->passed_over);
        free(anchors);
        return NULL;
}

/* Adds "NAME (REASON)" to a list for people, which does not grow for ever. */
static int note(char **list, const char *name, const char *reason) {
        char *longer;

        if (*list && strlen(*list) > LIST_BYTES_MAX)
                return 0;
        if (asprintf(&longer, "%s%s%s (%s)", *list ?: "", *list ? ", " : "", name, reason) < 0)
                return -ENOMEM;
        free(*list);
        *list = longer;
        return 0;
}

static int note_piece(Anchors *anchors, const MaterialPiece *piece, const char *reason) {
        bool is_trust = piece->kind == MATERIAL_CERTIFICATES || piece->kind == MATERIAL_TRUSTED;

        return note(is_trust ? &anchors->passed_over : &anchors->revocations_fault, piece->name, reason);
}

/* Takes the certificate, on failure too. */
static int trust(Anchors *anchors, X509 *certificate, const char *origin) {
        _cleanup_(X509_freep) X509 *taken = certificate;
        size_t n = (size_t) sk_X509_num(anchors->trusted);
        const char **origins = reallocarray(anchors->origins, n + 1, sizeof(*origins));

        if (!origins)
                return -ENOMEM;
        anchors->origins = origins;
        if (!sk_X509_push(anchors->trusted, taken))
                return -ENOMEM;
        (void) TAKE_PTR(taken);
        origins[n] = origin;
        return 0;
}

static X509 *certificate_parse(const void *data, size_t size) {
        const uint8_t *p = data;
        X509 *certificate = size <= LONG_MAX ? d2i_X509(NULL, &p, (long) size) : NULL;

        /* In here a certificate's extensions are parsed, and found to be broken, once and for all. */
        if (certificate && (X509_get_extension_flags(certificate) & EXFLAG_INVALID)) {
                X509_free(certificate);
                return NULL;
        }
        return certificate;
}

static int take_pem(Anchors *anchors, const MaterialPiece *piece) {
        _cleanup_(BIO_freep) BIO *bio = BIO_new_mem_buf(piece->data, (int) piece->size);
        bool is_end;
        X509 *certificate;
        size_t n = 0;

        if (!bio)
                return -ENOMEM;
        /* The password is there so that nobody is asked for one. */
        while ((certificate = PEM_read_bio_X509(bio, NULL, NULL, (char *) ""))) {
                int r = trust(anchors, certificate, piece->name);

                if (r < 0)
                        return r;
                n++;
        }
        is_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
        if (n == 0 && is_end)
                return note_piece(anchors, piece, "no certificate, neither PEM nor DER");
        return is_end ? 0 : note_piece(anchors, piece, "a broken certificate");
}

static int take_file(Anchors *anchors, const MaterialPiece *piece) {
        X509 *certificate;

        if (piece->size == 0 || piece->data[0] != 0x30) /* DER begins with a SEQUENCE */
                return take_pem(anchors, piece);
        certificate = certificate_parse(piece->data, piece->size);
        return certificate ? trust(anchors, certificate, piece->name) :
                             note_piece(anchors, piece, "a broken certificate");
}

/* A list with a fault is trusted in nothing. */
static int take_trusted(Anchors *anchors, MaterialPiece *piece) {
        EslEntry entry;
        Esl esl;
        int r;

        esl_begin(&esl, piece->data, piece->size);
        while ((r = esl_next(&esl, &entry)) > 0)
                ;
        if (r < 0) {
                piece->is_broken = true;
                return note_piece(anchors, piece, "no signature list");
        }
        esl_begin(&esl, piece->data, piece->size);
        while (r >= 0 && esl_next(&esl, &entry) > 0) {
                X509 *certificate = entry.type == ESL_X509 ? certificate_parse(entry.data, entry.size) : NULL;

                if (certificate)
                        r = trust(anchors, certificate, piece->name);
                else if (entry.type == ESL_X509)
                        r = note_piece(anchors, piece, "a broken certificate");
        }
        return r;
}

/* A list with a fault revokes all that comes before it. */
static int take_revoked(Anchors *anchors, const MaterialPiece *piece) {
        EslEntry entry;
        Esl esl;
        int r;

        esl_begin(&esl, piece->data, piece->size);
        while ((r = esl_next(&esl, &entry)) > 0) {
                _cleanup_(X509_freep) X509 *certificate = NULL;

                if (entry.type != ESL_X509)
                        continue;
                certificate = certificate_parse(entry.data, entry.size);
                if (!certificate && note_piece(anchors, piece, "a broken certificate") < 0)
                        return -ENOMEM;
                if (certificate && !sk_X509_push(anchors->revoked, certificate))
                        return -ENOMEM;
                (void) TAKE_PTR(certificate);
        }
        return r < 0 ? note_piece(anchors, piece, "no signature list") : 0;
}

static int take_sbat_level(Anchors *anchors, const MaterialPiece *piece) {
        size_t size = strlen(piece->data);

        while (size < piece->size && piece->data[size] == 0)
                size++;
        if (size < piece->size || sbat_check_level(piece->data) < 0)
                return note_piece(anchors, piece, "no list of components");
        anchors->sbat_level = piece->data;
        return 0;
}

static int take(Anchors *anchors, MaterialPiece *piece) {
        if (piece->error < 0)
                return note_piece(anchors, piece, strerror(-piece->error));
        switch (piece->kind) {
        case MATERIAL_CERTIFICATES:
                return take_file(anchors, piece);
        case MATERIAL_TRUSTED:
                return take_trusted(anchors, piece);
        case MATERIAL_REVOKED:
                return take_revoked(anchors, piece);
        case MATERIAL_SBAT_LEVEL:
                return take_sbat_level(anchors, piece);
        }
        return 0;
}

int anchors_new(Material *material, Anchors **ret) {
        _cleanup_(anchors_freep) Anchors *anchors = calloc(1, sizeof(*anchors));
        int r = 0;

        if (!anchors)
                return -ENOMEM;
        anchors->material = material;
        anchors->trusted = sk_X509_new_null();
        anchors->revoked = sk_X509_new_null();
        if (!anchors->trusted || !anchors->revoked)
                return -ENOMEM;
        for (size_t i = 0; i < material->n && r >= 0; i++) {
                r = take(anchors, &material->pieces[i]);
                ERR_clear_error();
        }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(anchors);
        return 0;
}

const char *anchors_origin(const Anchors *anchors, const X509 *certificate) {
        for (int i = 0; i < sk_X509_num(anchors->trusted); i++)
                if (X509_cmp(sk_X509_value(anchors->trusted, i), certificate) == 0)
                        return anchors->origins[i];
        return NULL;
}

/* An entry that begins with these bytes; behind the digest of a certificate there is a time, from which on it is
 * revoked: no signature is taken to be older. */
static const char *find(const Anchors *anchors, MaterialKind kind, EslType type, const uint8_t *data, size_t size) {
        for (size_t i = 0; i < anchors->material->n; i++) {
                const MaterialPiece *piece = &anchors->material->pieces[i];
                EslEntry entry;
                Esl esl;

                if (piece->kind != kind || piece->error < 0 || piece->is_broken)
                        continue;
                esl_begin(&esl, piece->data, piece->size);
                while (esl_next(&esl, &entry) > 0)
                        if (entry.type == type && entry.size >= size && memcmp(entry.data, data, size) == 0)
                                return piece->name;
        }
        return NULL;
}

const char *anchors_trust_image(const Anchors *anchors, const uint8_t *digest, size_t size) {
        return find(anchors, MATERIAL_TRUSTED, ESL_SHA256, digest, size);
}

const char *anchors_revoke_image(const Anchors *anchors, const uint8_t *digest, size_t size) {
        return find(anchors, MATERIAL_REVOKED, ESL_SHA256, digest, size);
}

static const char *find_signed_part(const Anchors *anchors, const Der *part) {
        static const struct {
                EslType type;
                const EVP_MD *(*digest)(void);
        } digests[] = {
                { ESL_X509_SHA256, EVP_sha256 },
                { ESL_X509_SHA384, EVP_sha384 },
                { ESL_X509_SHA512, EVP_sha512 },
        };

        for (size_t i = 0; i < ELEMENTSOF(digests); i++) {
                uint8_t value[EVP_MAX_MD_SIZE];
                const char *name;
                unsigned size;

                if (!EVP_Digest(part->data, part->size, value, &size, digests[i].digest(), NULL))
                        return "a certificate that cannot be digested";
                name = find(anchors, MATERIAL_REVOKED, digests[i].type, value, size);
                if (name)
                        return name;
        }
        return NULL;
}

/* Certificate ::= SEQUENCE { tbsCertificate SEQUENCE, … } */
const char *anchors_revoke_certificate(const Anchors *anchors, const X509 *certificate) {
        uint8_t *data = NULL;
        int size = i2d_X509(certificate, &data);
        Der whole = { data, size > 0 ? (size_t) size : 0 }, inside, contents, part;
        const char *name = "a certificate that cannot be read";

        if (der_take(&whole, V_ASN1_SEQUENCE, &inside) >= 0) {
                part = inside;
                if (der_take(&inside, V_ASN1_SEQUENCE, &contents) >= 0) {
                        part.size = (size_t) (inside.data - part.data);
                        name = find(anchors, MATERIAL_REVOKED, ESL_X509, data, (size_t) size) ?:
                                        find_signed_part(anchors, &part);
                }
        }
        OPENSSL_free(data);
        return name;
}
