/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The daemon's side: it asks liveupdate-inspect (verify.c), where certificates and signatures are parsed by a process
 * that has no rights, and believes of the answer what makes sense. */

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/json.h"
#include "inspect/inspect.h"
#include "trust/trust.h"

#define TIMEOUT_USEC (20 * UINT64_C(1000000)) /* some firmware is slow to read its variables */
#define WORD_BYTES_MAX 4096
#define SBAT_BYTES_MAX (8U << 10) /* some hundreds in practice; escaped as JSON it has to fit a request */

Signature *signature_free(Signature *signature) {
        if (!signature)
                return NULL;
        free(signature->signer);
        free(signature->detail);
        free(signature);
        return NULL;
}

/* Printable ASCII, which is all that the job makes. */
static int copy_word(json_object *answer, const char *key, char **ret) {
        const char *word;
        int r = json_get_string(answer, key, &word);

        if (r == -ENOENT)
                return 0;
        if (r < 0 || !*word || strlen(word) > WORD_BYTES_MAX)
                return -EBADMSG;
        for (const char *p = word; *p; p++)
                if (!isprint((unsigned char) *p))
                        return -EBADMSG;
        *ret = strdup(word);
        return *ret ? 0 : -ENOMEM;
}

static int signature_from_answer(json_object *answer, bool is_signed, Signature **ret) {
        _cleanup_(signature_freep) Signature *signature = calloc(1, sizeof(*signature));
        const char *name;
        int r, state;

        if (!signature)
                return -ENOMEM;
        if (json_get_string(answer, "state", &name) < 0)
                return -EBADMSG;
        state = signature_state_from_string(name);
        if (state <= SIGNATURE_UNCHECKED || (state == SIGNATURE_ABSENT && is_signed) ||
                        (state == SIGNATURE_UNKNOWN && !is_signed))
                return -EBADMSG;
        signature->state = (SignatureState) state;

        r = copy_word(answer, "signer", &signature->signer);
        if (r >= 0)
                r = copy_word(answer, "detail", &signature->detail);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(signature);
        return 0;
}

static int refuse_sbat(Signature **ret) {
        _cleanup_(signature_freep) Signature *signature = calloc(1, sizeof(*signature));

        if (!signature)
                return -ENOMEM;
        signature->state = SIGNATURE_BROKEN;
        signature->detail = strdup("its .sbat is too large");
        if (!signature->detail)
                return -ENOMEM;
        *ret = TAKE_PTR(signature);
        return 0;
}

int trust_verify(const char *root, int fd, uint64_t certificates_offset, uint64_t certificates_bytes,
                const char *digest_hex, const char *sbat, Signature **ret) {
        _cleanup_json_ json_object *request = json_object_new_object(), *answer = NULL;
        int r;

        if (sbat && strlen(sbat) > SBAT_BYTES_MAX)
                return refuse_sbat(ret);
        if (!request || json_add_string(request, "root", root) < 0 ||
                        json_add_string(request, "digest", digest_hex) < 0 ||
                        json_add_u64(request, "offset", certificates_offset) < 0 ||
                        json_add_u64(request, "bytes", certificates_bytes) < 0 ||
                        json_add_string(request, "sbat", sbat) < 0)
                return -ENOMEM;
        r = inspect_run("verify", TAKE_PTR(request), &fd, 1, TIMEOUT_USEC, &answer);
        if (r < 0)
                return r;
        return signature_from_answer(answer, certificates_bytes > 0, ret);
}
