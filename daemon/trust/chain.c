/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "basic/cleanup.h"
#include "trust/chain.h"

DEFINE_CLEANUP(X509_STORE_CTX *, X509_STORE_CTX_free)

int chain_find(X509 *signer, STACK_OF(X509) *others, STACK_OF(X509) *anchors, int level, STACK_OF(X509) **ret_chain,
                const char **ret_why) {
        _cleanup_(X509_STORE_CTX_freep) X509_STORE_CTX *context = X509_STORE_CTX_new();
        X509_VERIFY_PARAM *parameters;
        int r;

        if (!context || !X509_STORE_CTX_init(context, NULL, signer, others))
                return -ENOMEM;
        X509_STORE_CTX_set0_trusted_stack(context, anchors);
        parameters = X509_STORE_CTX_get0_param(context);
        if (!X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME) ||
                        !X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_ANY))
                return -ENOMEM;
        X509_VERIFY_PARAM_set_auth_level(parameters, level);

        r = X509_verify_cert(context);
        ERR_clear_error();
        if (r <= 0) {
                int error = X509_STORE_CTX_get_error(context);

                *ret_why = X509_verify_cert_error_string(error);
                return error == X509_V_ERR_OUT_OF_MEM ? -ENOMEM : 0;
        }
        if (ret_chain) {
                *ret_chain = X509_STORE_CTX_get1_chain(context);
                if (!*ret_chain)
                        return -ENOMEM;
        }
        return 1;
}
