/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Certificates, signatures and signature lists, made with libcrypto at run time. Parties live to the end of the
 * process. */

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "trust/authenticode.h"
#include "trust/judge.h"
#include "trust/material.h"

/* The fuzzer is no test of libcheck's. */
static inline void must(bool holds) {
        if (!holds)
                abort();
}

#define SPC_INDIRECT_DATA "1.3.6.1.4.1.311.2.1.4"

typedef struct Bytes {
        uint8_t data[16384];
        size_t size;
} Bytes;

static inline void put(Bytes *bytes, const void *data, size_t size) {
        must(bytes->size + size <= sizeof(bytes->data));
        memcpy(bytes->data + bytes->size, data, size);
        bytes->size += size;
}

static inline void put_u32(Bytes *bytes, uint32_t value) {
        put(bytes, &(uint32_t) { htole32(value) }, 4);
}

/* One who signs: images, or others' certificates. */
typedef struct Party {
        EVP_PKEY *key;
        X509 *certificate;
} Party;

#define PARTIES_MAX 32U

/* Where the leak checker finds them. */
static Party parties[PARTIES_MAX] __attribute__((used));
static size_t n_parties;

static inline X509_NAME *party_name(const char *name) {
        X509_NAME *x = X509_NAME_new();

        must(X509_NAME_add_entry_by_txt(x, "CN", MBSTRING_UTF8, (const uint8_t *) name, -1, -1, 0));
        return x;
}

/* Valid from now on plus these seconds; self-signed without an issuer. */
static inline Party party_new(const char *name, const Party *issuer, bool is_authority, long from, long to) {
        Party party = { EVP_EC_gen("P-256"), X509_new() };
        X509_NAME *subject = party_name(name);
        X509V3_CTX context;

        must(X509_set_version(party.certificate, X509_VERSION_3));
        must(n_parties < PARTIES_MAX);
        parties[n_parties++] = party;
        must(ASN1_INTEGER_set(X509_get_serialNumber(party.certificate), (long) n_parties));
        X509_gmtime_adj(X509_getm_notBefore(party.certificate), from);
        X509_gmtime_adj(X509_getm_notAfter(party.certificate), to);
        must(X509_set_subject_name(party.certificate, subject));
        must(X509_set_issuer_name(party.certificate,
                        issuer ? X509_get_subject_name(issuer->certificate) : subject));
        must(X509_set_pubkey(party.certificate, party.key));
        X509V3_set_ctx(&context, issuer ? issuer->certificate : party.certificate, party.certificate, NULL, NULL, 0);
        must(X509_add1_ext_i2d(party.certificate, NID_basic_constraints,
                        &(BASIC_CONSTRAINTS) { .ca = is_authority ? 0xff : 0 }, 1, X509V3_ADD_DEFAULT));
        must(X509_sign(party.certificate, issuer ? issuer->key : party.key, EVP_sha256()) > 0);
        X509_NAME_free(subject);
        return party;
}

static inline Party authority(const char *name) {
        return party_new(name, NULL, true, -60, 3600);
}

static inline Party signer(const char *name, const Party *issuer) {
        return party_new(name, issuer, false, -60, 3600);
}

static inline Bytes certificate_der(const Party *party) {
        Bytes bytes = {};
        uint8_t *p = bytes.data;

        must(i2d_X509(party->certificate, NULL) < (int) sizeof(bytes.data));
        bytes.size = (size_t) i2d_X509(party->certificate, &p);
        return bytes;
}

static inline Bytes certificate_pem(const Party *party) {
        BIO *bio = BIO_new(BIO_s_mem());
        Bytes bytes = {};
        char *text;
        long size;

        must(PEM_write_bio_X509(bio, party->certificate));
        size = BIO_get_mem_data(bio, &text);
        put(&bytes, text, (size_t) size);
        BIO_free(bio);
        return bytes;
}

/* SHA-256 of what is signed of it. */
static inline Bytes tbs_digest(const Party *party) {
        Bytes bytes = { .size = 32 };
        uint8_t *tbs = NULL;
        int size = i2d_re_X509_tbs(party->certificate, &tbs);

        must(size > 0);
        must(EVP_Digest(tbs, (size_t) size, bytes.data, NULL, EVP_sha256(), NULL));
        OPENSSL_free(tbs);
        return bytes;
}

static const uint8_t image_digest[AUTHENTICODE_DIGEST_BYTES] = { 0x11, 0x22, 0x33, 0x44, 0x55 };

/* SpcIndirectDataContent of an SpcPeImageData with an empty file name, as signers write it, and a DigestInfo. */
static inline Bytes indirect_data(const uint8_t *digest) {
        static const uint8_t head[] = {
                0x30, 0x4c,                                                         /* SpcIndirectDataContent */
                0x30, 0x17,                                                         /* SpcAttributeTypeAnd… */
                0x06, 0x0a, 0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 1, 15,                 /* SPC_PE_IMAGE_DATA_OBJID */
                0x30, 0x09, 0x03, 0x01, 0x00, 0xa0, 0x04, 0xa2, 0x02, 0x80, 0x00,   /* SpcPeImageData */
                0x30, 0x31,                                                         /* DigestInfo */
                0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 0x05, 0x00, /* sha256 */
                0x04, 0x20,
        };
        Bytes bytes = {};

        put(&bytes, head, sizeof(head));
        put(&bytes, digest, AUTHENTICODE_DIGEST_BYTES);
        must(bytes.size == 2U + bytes.data[1]);
        return bytes;
}

typedef struct Signing {
        const Party *signer, *companion; /* whose certificates come along; companion may be NULL */
        const uint8_t *digest;           /* NULL: image_digest */
        const EVP_MD *md;                /* NULL: SHA-256 */
        const char *content_type;        /* of the attribute; NULL: as it must be */
        bool has_no_attributes, has_no_certificate;
        const Party *second;             /* a further signer in the same structure */
} Signing;

static inline void signer_info_add(PKCS7 *pkcs7, const Party *party, const Signing *how) {
        PKCS7_SIGNER_INFO *info = PKCS7_add_signature(pkcs7, party->certificate, party->key, how->md ?: EVP_sha256());

        must(info);
        if (!how->has_no_attributes)
                must(PKCS7_add_signed_attribute(info, NID_pkcs9_contentType, V_ASN1_OBJECT,
                                OBJ_txt2obj(how->content_type ?: SPC_INDIRECT_DATA, 1)));
        if (!how->has_no_certificate)
                must(PKCS7_add_certificate(pkcs7, party->certificate));
}

/* In place of a content of data, over whose bytes the signature is, comes the structure itself. */
static inline void content_set(PKCS7 *pkcs7, const Bytes *content) {
        PKCS7 *spc = PKCS7_new();
        ASN1_TYPE *value = ASN1_TYPE_new();
        ASN1_STRING *string = ASN1_STRING_new();

        must(ASN1_STRING_set(string, content->data, (int) content->size));
        ASN1_TYPE_set(value, V_ASN1_SEQUENCE, string);
        spc->type = OBJ_txt2obj(SPC_INDIRECT_DATA, 1);
        spc->d.other = value;
        PKCS7_free(pkcs7->d.sign->contents);
        pkcs7->d.sign->contents = spc;
}

static inline Bytes sign_pkcs7(const Signing *how, const Bytes *content) {
        PKCS7 *pkcs7 = PKCS7_new();
        Bytes bytes = {};
        uint8_t *p = bytes.data;
        BIO *bio;

        must(PKCS7_set_type(pkcs7, NID_pkcs7_signed));
        signer_info_add(pkcs7, how->signer, how);
        if (how->second)
                signer_info_add(pkcs7, how->second, how);
        if (how->companion)
                must(PKCS7_add_certificate(pkcs7, how->companion->certificate));
        must(PKCS7_content_new(pkcs7, NID_pkcs7_data));
        bio = PKCS7_dataInit(pkcs7, NULL);
        must(bio);
        must(BIO_write(bio, content->data + 2, (int) content->size - 2) == (int) content->size - 2);
        (void) BIO_flush(bio);
        must(PKCS7_dataFinal(pkcs7, bio));
        BIO_free_all(bio);
        content_set(pkcs7, content);

        must(i2d_PKCS7(pkcs7, NULL) < (int) sizeof(bytes.data));
        bytes.size = (size_t) i2d_PKCS7(pkcs7, &p);
        PKCS7_free(pkcs7);
        return bytes;
}

/* Adds to a table of signatures. */
static inline void put_win_certificate(Bytes *table, const Bytes *pkcs7) {
        static const uint8_t zeros[8];

        put_u32(table, (uint32_t) (8 + pkcs7->size));
        put(table, (const uint8_t[]) { 0x00, 0x02, 0x02, 0x00 }, 4);
        put(table, pkcs7->data, pkcs7->size);
        put(table, zeros, -table->size % 8);
}

static inline void put_signature(Bytes *table, Signing how) {
        Bytes content = indirect_data(how.digest ?: image_digest), pkcs7 = sign_pkcs7(&how, &content);

        put_win_certificate(table, &pkcs7);
}

static inline Bytes signed_by(const Party *party) {
        Bytes table = {};

        put_signature(&table, (Signing) { .signer = party });
        return table;
}

#define GUID_SHA256 "\x26\x16\xc4\xc1\x4c\x50\x92\x40\xac\xa9\x41\xf9\x36\x93\x43\x28"
#define GUID_X509 "\xa1\x59\xc0\xa5\xe4\x94\xa7\x4a\x87\xb5\xab\x15\x5c\x2b\xf0\x72"
#define GUID_X509_SHA256 "\x92\xa4\xd2\x3b\xc0\x96\x79\x40\xb4\x20\xfc\xf9\x8e\xf1\x03\xed"

/* Adds a list of one entry. */
static inline void put_list(Bytes *bytes, const char *guid, const void *data, size_t size) {
        static const uint8_t owner[16] = { 0x0e };

        put(bytes, guid, 16);
        put_u32(bytes, (uint32_t) (28 + sizeof(owner) + size));
        put_u32(bytes, 0);
        put_u32(bytes, (uint32_t) (sizeof(owner) + size));
        put(bytes, owner, sizeof(owner));
        put(bytes, data, size);
}

static inline void put_certificate_list(Bytes *bytes, const Party *party) {
        Bytes der = certificate_der(party);

        put_list(bytes, GUID_X509, der.data, der.size);
}

static inline Material *material_new(void) {
        Material *material = calloc(1, sizeof(*material));

        must(material);
        return material;
}

static inline void material_put(Material *material, MaterialKind kind, const char *name, const void *data,
                size_t size) {
        char *copy = malloc(size + 1);

        memcpy(copy, data, size);
        copy[size] = 0;
        must(material_add(material, kind, name, 0, copy, size) == 0);
}

static inline void trust_party(Material *material, const Party *party) {
        Bytes pem = certificate_pem(party);

        material_put(material, MATERIAL_CERTIFICATES, "/etc/liveupdate/trust.d/site.pem", pem.data, pem.size);
}
