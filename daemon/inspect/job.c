/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>

#include "basic/json.h"
#include "inspect/job.h"

int job_refuse(json_object *answer, int error, const char *format, ...) {
        char detail[256];
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(detail, sizeof(detail), format, ap);
        va_end(ap);
        return json_add_string(answer, "detail", detail) < 0 ? -ENOMEM : error;
}

int job_prepare_crypto(void) {
        return OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT |
                                                   OPENSSL_INIT_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_ADD_ALL_CIPHERS |
                                                   OPENSSL_INIT_ADD_ALL_DIGESTS,
                               NULL) == 1
                               ? 0
                               : -ENOMEM;
}
