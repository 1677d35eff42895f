/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pkcs7.h>
#include <stdlib.h>
#include <string.h>

#include "trust/authenticode.h"
#include "trust/der.h"

#define HEADER_BYTES 8U /* dwLength, wRevision, wCertificateType */
#define REVISION_2_0 0x0200U
#define TYPE_PKCS_SIGNED_DATA 0x0002U
#define ALIGNMENT 8U

/* Object identifiers of Microsoft's, as DER without tag and length: 1.3.6.1.4.1.311.2.1.4 and .15 */
static const uint8_t spc_indirect_data[] = { 0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 1, 4 };
static const uint8_t spc_pe_image_data[] = { 0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 1, 15 };
/* 1.3.6.1.4.1.311.2.1.21, a purpose of keys, is what older pesign has instead, and Debian's signatures with it:
 * crypto/asymmetric_keys/mscode_parser.c:mscode_note_content_type() */
static const uint8_t pesign_data[] = { 0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 1, 21 };

DEFINE_CLEANUP(PKCS7 *, PKCS7_free)
DEFINE_CLEANUP(X509_SIG *, X509_SIG_free)
DEFINE_CLEANUP(BIO *, BIO_free_all)

static bool is_padding(const uint8_t *data, size_t size) {
        for (size_t i = 0; i < size; i++)
                if (data[i] != 0)
                        return false;
        return size < ALIGNMENT;
}

int win_certificate_next(const uint8_t **data, size_t *size, const uint8_t **ret, size_t *ret_size) {
        uint32_t length;
        uint16_t revision, type;
        size_t aligned;

        if (*size == 0)
                return 0;
        if (*size < HEADER_BYTES)
                return -EBADMSG;
        memcpy(&length, *data, sizeof(length));
        memcpy(&revision, *data + 4, sizeof(revision));
        memcpy(&type, *data + 6, sizeof(type));
        length = le32toh(length);
        if (length <= HEADER_BYTES || length > *size || le16toh(revision) != REVISION_2_0 ||
                        le16toh(type) != TYPE_PKCS_SIGNED_DATA)
                return -EBADMSG;

        *ret = *data + HEADER_BYTES;
        *ret_size = length - HEADER_BYTES;
        aligned = (length + (size_t) ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        if (aligned > *size)
                aligned = *size;
        *data += aligned;
        *size -= aligned;
        return 1;
}

Authenticode *authenticode_free(Authenticode *authenticode) {
        if (!authenticode)
                return NULL;
        X509_free(authenticode->signer);
        sk_X509_pop_free(authenticode->certificates, X509_free);
        free(authenticode);
        return NULL;
}

static bool is_object(const ASN1_OBJECT *object, const uint8_t *oid, size_t oid_bytes) {
        return object && OBJ_length(object) == oid_bytes && memcmp(OBJ_get0_data(object), oid, oid_bytes) == 0;
}

/* Signers fill up to the table's alignment, within dwLength or behind it. */
static PKCS7 *signed_data_parse(const uint8_t *data, size_t size) {
        _cleanup_(PKCS7_freep) PKCS7 *pkcs7 = NULL;
        const uint8_t *p = data;

        pkcs7 = size <= LONG_MAX ? d2i_PKCS7(NULL, &p, (long) size) : NULL;
        if (!pkcs7 || !is_padding(p, size - (size_t) (p - data)))
                return NULL;
        if (!PKCS7_type_is_signed(pkcs7) || !pkcs7->d.sign || !pkcs7->d.sign->contents)
                return NULL;
        return TAKE_PTR(pkcs7);
}

/* The content is no OCTET STRING, as the later CMS has it, but the structure itself. What is digested of it is what its
 * SEQUENCE holds: RFC 2315, 9.3. */
static int content_find(const PKCS7 *pkcs7, Der *ret) {
        const PKCS7 *contents = pkcs7->d.sign->contents;
        const ASN1_TYPE *value = contents->d.other;
        Der whole;

        if (!is_object(contents->type, spc_indirect_data, sizeof(spc_indirect_data)) || !value ||
                        value->type != V_ASN1_SEQUENCE || ASN1_STRING_length(value->value.sequence) <= 0)
                return -EBADMSG;
        whole = (Der) {
                ASN1_STRING_get0_data(value->value.sequence),
                (size_t) ASN1_STRING_length(value->value.sequence),
        };
        return der_take(&whole, V_ASN1_SEQUENCE, ret) < 0 || whole.size > 0 ? -EBADMSG : 0;
}

static bool is_pe_image_data(const Der *type) {
        return type->size == sizeof(spc_pe_image_data) &&
                        (memcmp(type->data, spc_pe_image_data, type->size) == 0 ||
                                        memcmp(type->data, pesign_data, type->size) == 0);
}

/* SpcIndirectDataContent ::= SEQUENCE { data SEQUENCE { type OBJECT IDENTIFIER, … }, messageDigest DigestInfo } */
static int digest_check(Der content, const uint8_t *digest, const char **ret_detail) {
        _cleanup_(X509_SIG_freep) X509_SIG *digest_info = NULL;
        const ASN1_OCTET_STRING *value;
        const X509_ALGOR *algorithm;
        const ASN1_OBJECT *object;
        Der data, type;

        *ret_detail = "it is not of a PE image";
        if (der_take(&content, V_ASN1_SEQUENCE, &data) < 0 || der_take(&data, V_ASN1_OBJECT, &type) < 0 ||
                        !is_pe_image_data(&type))
                return -EBADMSG;
        digest_info = content.size <= LONG_MAX ? d2i_X509_SIG(NULL, &content.data, (long) content.size) : NULL;
        if (!digest_info)
                return -EBADMSG;
        X509_SIG_get0(digest_info, &algorithm, &value);
        X509_ALGOR_get0(&object, NULL, NULL, algorithm);
        *ret_detail = "it has another digest of the image than SHA-256";
        if (OBJ_obj2nid(object) != NID_sha256 || ASN1_STRING_length(value) != (int) AUTHENTICODE_DIGEST_BYTES)
                return -EBADMSG;
        *ret_detail = "the image is not the one that was signed";
        return CRYPTO_memcmp(ASN1_STRING_get0_data(value), digest, AUTHENTICODE_DIGEST_BYTES) == 0 ? 0 : -EBADMSG;
}

static bool is_strong(const X509_ALGOR *algorithm) {
        const ASN1_OBJECT *object;
        int nid;

        X509_ALGOR_get0(&object, NULL, NULL, algorithm);
        nid = OBJ_obj2nid(object);
        return nid == NID_sha256 || nid == NID_sha384 || nid == NID_sha512;
}

/* As crypto/asymmetric_keys/pkcs7_parser.c asks for: without these attributes a signature of something else could be
 * passed off as one of an image. */
static int signer_info_check(PKCS7 *pkcs7, const char **ret_detail) {
        STACK_OF(PKCS7_SIGNER_INFO) *infos = PKCS7_get_signer_info(pkcs7);
        PKCS7_SIGNER_INFO *info;
        ASN1_TYPE *type;

        *ret_detail = "it has not one signer";
        if (sk_PKCS7_SIGNER_INFO_num(infos) != 1)
                return -EBADMSG;
        info = sk_PKCS7_SIGNER_INFO_value(infos, 0);
        *ret_detail = "it uses a digest that is not trusted";
        if (!is_strong(info->digest_alg))
                return -EBADMSG;
        *ret_detail = "it does not say that it is of an image";
        type = PKCS7_get_signed_attribute(info, NID_pkcs9_contentType);
        if (!type || type->type != V_ASN1_OBJECT ||
                        !is_object(type->value.object, spc_indirect_data, sizeof(spc_indirect_data)) ||
                        !PKCS7_get_signed_attribute(info, NID_pkcs9_messageDigest))
                return -EBADMSG;
        return 0;
}

static X509 *signer_find(PKCS7 *pkcs7) {
        STACK_OF(X509) *signers = PKCS7_get0_signers(pkcs7, NULL, 0);
        X509 *signer = sk_X509_num(signers) == 1 ? sk_X509_value(signers, 0) : NULL;

        sk_X509_free(signers);
        return signer && X509_up_ref(signer) ? signer : NULL;
}

/* PKCS7_verify() would do, but leaks where PKCS7_dataInit() fails. */
static bool signature_holds(PKCS7 *pkcs7, const Der *content, X509 *signer) {
        PKCS7_SIGNER_INFO *info = sk_PKCS7_SIGNER_INFO_value(PKCS7_get_signer_info(pkcs7), 0);
        _cleanup_(BIO_free_allp) BIO *bio = NULL;
        uint8_t buffer[256];
        BIO *digests;

        bio = content->size <= INT_MAX ? BIO_new_mem_buf(content->data, (int) content->size) : NULL;
        digests = bio ? PKCS7_dataInit(pkcs7, bio) : NULL;
        if (!digests)
                return false;
        bio = digests; /* of which it is the last now */
        while (BIO_read(digests, buffer, sizeof(buffer)) > 0)
                ;
        return PKCS7_signatureVerify(digests, pkcs7, info, signer) == 1;
}

static int parse(const uint8_t *data, size_t size, const uint8_t *digest, Authenticode *ret, const char **ret_detail) {
        _cleanup_(PKCS7_freep) PKCS7 *pkcs7 = signed_data_parse(data, size);
        Der content;
        int r;

        *ret_detail = "it cannot be read";
        if (!pkcs7 || content_find(pkcs7, &content) < 0)
                return -EBADMSG;
        r = digest_check(content, digest, ret_detail);
        if (r >= 0)
                r = signer_info_check(pkcs7, ret_detail);
        if (r < 0)
                return r;
        *ret_detail = "it has no certificate of its signer";
        ret->signer = signer_find(pkcs7);
        if (!ret->signer)
                return -EBADMSG;
        *ret_detail = "it is not by the signer that it names";
        if (!signature_holds(pkcs7, &content, ret->signer))
                return -EBADMSG;
        ret->certificates = X509_chain_up_ref(pkcs7->d.sign->cert);
        return ret->certificates ? 0 : -ENOMEM;
}

int authenticode_parse(const uint8_t *data, size_t size, const uint8_t digest[static AUTHENTICODE_DIGEST_BYTES],
                Authenticode **ret, const char **ret_detail) {
        _cleanup_(authenticode_freep) Authenticode *authenticode = calloc(1, sizeof(*authenticode));
        int r;

        if (!authenticode)
                return -ENOMEM;
        r = parse(data, size, digest, authenticode, ret_detail);
        ERR_clear_error();
        if (r < 0)
                return r;
        *ret = TAKE_PTR(authenticode);
        return 0;
}
