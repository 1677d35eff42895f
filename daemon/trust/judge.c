/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "trust/anchors.h"
#include "trust/chain.h"
#include "trust/judge.h"
#include "trust/sbat.h"

#define NAME_BYTES_MAX 512
#define ANY_LEVEL 0    /* X509_VERIFY_PARAM_set_auth_level(3) */
#define SANE_LEVEL 1   /* no SHA-1 between signer and anchor */

DEFINE_CLEANUP(BIO *, BIO_free)

static void stack_free(STACK_OF(X509) *stack) {
        sk_X509_pop_free(stack, X509_free);
}
DEFINE_CLEANUP(STACK_OF(X509) *, stack_free)

void signature_clear(Signature *signature) {
        free(signature->signer);
        free(signature->detail);
        *signature = (Signature) {};
}

/* In ASCII, whatever a file in trust.d is called. */
__attribute__((format(printf, 3, 4)))
static int say(Signature *signature, SignatureState state, const char *format, ...) {
        char *detail;
        va_list args;
        int r;

        va_start(args, format);
        r = vasprintf(&detail, format, args);
        va_end(args);
        if (r < 0)
                return -ENOMEM;
        for (char *p = detail; *p; p++)
                *p = isprint((unsigned char) *p) ? *p : '?';
        free(signature->detail);
        signature->detail = detail;
        signature->state = state;
        return 0;
}

/* One line of ASCII; what is not is escaped. */
static int name_signer(X509 *signer, char **ret) {
        _cleanup_(BIO_freep) BIO *bio = BIO_new(BIO_s_mem());
        char name[NAME_BYTES_MAX];
        int n;

        if (!bio || X509_NAME_print_ex(bio, X509_get_subject_name(signer), 0, XN_FLAG_ONELINE) < 0)
                return -ENOMEM;
        n = BIO_read(bio, name, sizeof(name) - 1);
        if (n <= 0)
                return 0;
        name[n] = 0;
        *ret = strdup(name);
        return *ret ? 0 : -ENOMEM;
}

/* Signer and whatever certificates came along or lead to an anchor. */
static int find_revoked(const Anchors *anchors, STACK_OF(X509) *certificates, Signature *ret) {
        for (int i = 0; i < sk_X509_num(certificates); i++) {
                const char *list = anchors_revoke_certificate(anchors, sk_X509_value(certificates, i));

                if (list)
                        return say(ret, SIGNATURE_REVOKED, "a certificate of its signer is revoked by %s", list);
        }
        return 0;
}

/* Over our own certificates, too, since a signature may leave out what would give it away. */
static int find_revoked_issuer(const Anchors *anchors, const Authenticode *authenticode, Signature *ret) {
        STACK_OF(X509) *others = sk_X509_dup(authenticode->certificates);
        const char *why;
        int r = others ? 0 : -ENOMEM;

        for (int i = 0; i < sk_X509_num(anchors->trusted) && r >= 0; i++)
                r = sk_X509_push(others, sk_X509_value(anchors->trusted, i)) ? 0 : -ENOMEM;
        if (r >= 0)
                r = chain_find(authenticode->signer, others, anchors->revoked, ANY_LEVEL, NULL, &why);
        sk_X509_free(others);
        return r > 0 ? say(ret, SIGNATURE_REVOKED, "its signer is revoked, or was certified by one that is") : r;
}

static int find_anchor(const Anchors *anchors, const Authenticode *authenticode, Signature *ret) {
        _cleanup_(stack_freep) STACK_OF(X509) *chain = NULL;
        const char *why, *origin;
        int r;

        r = chain_find(authenticode->signer, authenticode->certificates, anchors->trusted, SANE_LEVEL, &chain, &why);
        if (r < 0)
                return r;
        if (r == 0)
                return say(ret, SIGNATURE_UNKNOWN, "no certificate here leads to its signer: %s", why);
        origin = anchors_origin(anchors, sk_X509_value(chain, sk_X509_num(chain) - 1));
        if (!origin) /* cannot be, as X509_verify_cert() works */
                return say(ret, SIGNATURE_UNKNOWN, "no certificate here leads to its signer");
        r = say(ret, SIGNATURE_VERIFIED, "trusted by %s", origin);
        return r < 0 ? r : find_revoked(anchors, chain, ret);
}

static int judge_signature(const Anchors *anchors, const uint8_t *data, size_t size, const uint8_t *digest,
                Signature *ret) {
        _cleanup_(authenticode_freep) Authenticode *authenticode = NULL;
        const char *why;
        int r;

        r = authenticode_parse(data, size, digest, &authenticode, &why);
        if (r == -EBADMSG)
                return say(ret, SIGNATURE_BROKEN, "%s", why);
        if (r >= 0)
                r = name_signer(authenticode->signer, &ret->signer);
        if (r >= 0)
                r = find_anchor(anchors, authenticode, ret);
        if (r >= 0 && ret->state != SIGNATURE_REVOKED)
                r = find_revoked(anchors, authenticode->certificates, ret);
        if (r >= 0 && ret->state != SIGNATURE_REVOKED)
                r = find_revoked_issuer(anchors, authenticode, ret);
        return r;
}

/* Which of two signatures counts: one that is verified is enough, and one that is revoked spoils all. */
static bool outweighs(SignatureState a, SignatureState b) {
        static const int weights[_SIGNATURE_STATE_MAX] = {
                [SIGNATURE_UNKNOWN] = 1,
                [SIGNATURE_BROKEN] = 2,
                [SIGNATURE_VERIFIED] = 3,
                [SIGNATURE_REVOKED] = 4,
        };

        return weights[a] > weights[b];
}

static void keep(Signature *kept, Signature *signature) {
        if (outweighs(signature->state, kept->state)) {
                signature_clear(kept);
                *kept = TAKE(*signature, (Signature) {});
        }
        signature_clear(signature);
}

static int judge_signatures(const Anchors *anchors, const Evidence *evidence, Signature *ret) {
        const uint8_t *data = evidence->certificates, *one;
        size_t size = evidence->certificates_bytes, one_size;
        unsigned n = 0;
        int r;

        while ((r = win_certificate_next(&data, &size, &one, &one_size)) > 0) {
                Signature signature = {};

                if (++n > JUDGE_SIGNATURES_MAX)
                        return say(ret, SIGNATURE_BROKEN, "it has more than %u signatures", JUDGE_SIGNATURES_MAX);
                r = judge_signature(anchors, one, one_size, evidence->digest, &signature);
                keep(ret, &signature);
                if (r < 0)
                        return r;
        }
        if (r < 0 && ret->state != SIGNATURE_REVOKED)
                return say(ret, SIGNATURE_BROKEN, "the table of its signatures cannot be read");
        return 0;
}

static int judge_digest(const Anchors *anchors, const Evidence *evidence, Signature *ret) {
        const char *list;

        if (!evidence->digest)
                return 0;
        list = anchors_revoke_image(anchors, evidence->digest, AUTHENTICODE_DIGEST_BYTES);
        if (list)
                return say(ret, SIGNATURE_REVOKED, "its digest is in %s", list);
        list = anchors_trust_image(anchors, evidence->digest, AUTHENTICODE_DIGEST_BYTES);
        if (list && (ret->state == SIGNATURE_ABSENT || ret->state == SIGNATURE_UNKNOWN))
                return say(ret, SIGNATURE_VERIFIED, "its digest is in %s", list);
        return 0;
}

static int judge_components(const Anchors *anchors, const Evidence *evidence, Signature *ret) {
        _cleanup_free_ char *detail = NULL;
        int r;

        if (!evidence->sbat || ret->state == SIGNATURE_REVOKED)
                return 0;
        if (sbat_check_section(evidence->sbat) < 0)
                return say(ret, SIGNATURE_BROKEN, "its .sbat cannot be read");
        if (!anchors->sbat_level)
                return 0;
        r = sbat_is_revoked(evidence->sbat, anchors->sbat_level, &detail);
        return r > 0 ? say(ret, SIGNATURE_REVOKED, "%s", detail) : r;
}

/* What nobody could read has to be told, and must not make an image better. */
static int judge_blindness(const Anchors *anchors, const Evidence *evidence, Signature *ret) {
        _cleanup_free_ char *detail = TAKE_PTR(ret->detail);
        SignatureState without = evidence->certificates_bytes > 0 ? SIGNATURE_UNKNOWN : SIGNATURE_ABSENT;

        if (ret->state == SIGNATURE_VERIFIED && anchors->revocations_fault)
                return say(ret, without, "%s, but what is revoked cannot be read: %s", detail,
                                anchors->revocations_fault);
        if (ret->state == SIGNATURE_VERIFIED && anchors->material->is_firmware_hidden)
                return say(ret, ret->state,
                                "%s; what the firmware revokes is not known, since its variables are not to be seen in "
                                "/sys/firmware/efi/efivars",
                                detail);
        if (ret->state == SIGNATURE_UNKNOWN && anchors->passed_over)
                return say(ret, ret->state, "%s; passed over: %s", detail, anchors->passed_over);
        ret->detail = TAKE_PTR(detail);
        return 0;
}

int judge(Material *material, const Evidence *evidence, Signature *ret) {
        _cleanup_(anchors_freep) Anchors *anchors = NULL;
        int r;

        *ret = (Signature) { .state = SIGNATURE_ABSENT };
        r = anchors_new(material, &anchors);
        if (r >= 0 && evidence->certificates_bytes > 0)
                r = judge_signatures(anchors, evidence, ret);
        if (r >= 0)
                r = judge_digest(anchors, evidence, ret);
        if (r >= 0)
                r = judge_components(anchors, evidence, ret);
        return r < 0 ? r : judge_blindness(anchors, evidence, ret);
}
