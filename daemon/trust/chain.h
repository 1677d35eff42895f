/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <openssl/x509.h>

/* Whether a chain leads from `signer` over `others` to one of `anchors`, at whatever time and for whatever purpose,
 * as UEFI has it; an anchor need not be a root. 1 with *ret_chain (may be NULL; to be freed with its certificates), 0
 * with *ret_why (static), -ENOMEM. `level` is that of X509_VERIFY_PARAM_set_auth_level(3). */
int chain_find(X509 *signer, STACK_OF(X509) *others, STACK_OF(X509) *anchors, int level, STACK_OF(X509) **ret_chain,
                const char **ret_why);
