/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The job of liveupdate-inspect that trust_verify() asks for. The request: {"root", "digest", "sbat", "offset",
 * "bytes"}, the answer: {"state", "signer", "detail"}. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/json.h"
#include "inspect/job.h"
#include "trust/judge.h"

#define CERTIFICATES_BYTES_MAX (1U << 20)
#define MEMORY_BYTES (256ULL << 20)

static int gather(json_object *request, void **ret_gathered) {
        const char *root;
        int r;

        r = job_prepare_crypto();
        if (r < 0)
                return r;
        if (json_get_string(request, "root", &root) < 0)
                return -EBADMSG;
        return material_gather(root, (Material **) ret_gathered);
}

static int digit(char c) {
        return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int digest_from_hex(const char *hex, uint8_t ret[static AUTHENTICODE_DIGEST_BYTES]) {
        if (strlen(hex) != 2 * (size_t) AUTHENTICODE_DIGEST_BYTES)
                return -EBADMSG;
        for (size_t i = 0; i < AUTHENTICODE_DIGEST_BYTES; i++) {
                int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);

                if (high < 0 || low < 0)
                        return -EBADMSG;
                ret[i] = (uint8_t) (high << 4 | low);
        }
        return 0;
}

static int read_certificates(uint64_t offset, uint64_t bytes, uint8_t *data) {
        size_t done = 0;

        while (done < bytes) {
                ssize_t n = pread(JOB_FD_FIRST, data + done, bytes - done, (off_t) (offset + done));

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return -ENODATA;
                done += (size_t) n;
        }
        return 0;
}

static int answer_with(json_object *answer, const Signature *signature) {
        return json_add_string(answer, "state", signature_state_to_string(signature->state)) < 0 ||
                                       json_add_string(answer, "signer", signature->signer) < 0 ||
                                       json_add_string(answer, "detail", signature->detail) < 0 ?
                               -ENOMEM :
                               0;
}

static int judge_and_answer(Material *material, const Evidence *evidence, json_object *answer) {
        _cleanup_(signature_clear) Signature signature = {};
        int r = judge(material, evidence, &signature);

        return r < 0 ? r : answer_with(answer, &signature);
}

static int run(json_object *request, void *gathered, json_object *answer) {
        _cleanup_(material_freep) Material *material = gathered;
        _cleanup_free_ uint8_t *certificates = NULL;
        uint8_t digest[AUTHENTICODE_DIGEST_BYTES];
        Evidence evidence = {};
        uint64_t offset, bytes;
        const char *hex;
        int r;

        if (json_get_string(request, "digest", &hex) < 0 || json_get_u64(request, "offset", &offset) < 0 ||
                        json_get_u64(request, "bytes", &bytes) < 0 || offset > INT64_MAX - CERTIFICATES_BYTES_MAX)
                return -EBADMSG;
        if (bytes > CERTIFICATES_BYTES_MAX)
                return answer_with(answer,
                                &(Signature) { SIGNATURE_BROKEN, NULL, (char *) "its signatures are too large" });
        r = json_get_string(request, "sbat", &evidence.sbat);
        if (r < 0 && r != -ENOENT)
                return -EBADMSG;
        if (*hex || bytes > 0) {
                if (digest_from_hex(hex, digest) < 0)
                        return -EBADMSG;
                evidence.digest = digest;
        }

        certificates = malloc(bytes + 1);
        if (!certificates)
                return -ENOMEM;
        r = read_certificates(offset, bytes, certificates);
        if (r < 0)
                return r;
        evidence.certificates = certificates;
        evidence.certificates_bytes = bytes;
        return judge_and_answer(material, &evidence, answer);
}

const Job verify_job = {
        .name = "verify",
        .gather = gather,
        .run = run,
        .memory_bytes = MEMORY_BYTES,
};
