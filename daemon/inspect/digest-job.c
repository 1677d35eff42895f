/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "basic/json.h"
#include "inspect/inspect.h"
#include "inspect/job.h"
#include "inspect/spans.h"

static int digest_gather(json_object *request, void **ret_gathered) {
        EVP_MD_CTX *context;
        EVP_MD *sha256;
        int r;

        r = job_prepare_crypto();
        if (r < 0)
                return r;
        sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
        context = EVP_MD_CTX_new();
        if (!sha256 || !context || EVP_DigestInit_ex2(context, sha256, NULL) != 1)
                return -EOPNOTSUPP;
        *ret_gathered = context;
        return 0;
}

static int update(const uint8_t *data, size_t size, void *context) {
        return EVP_DigestUpdate(context, data, size) == 1 ? 0 : -EIO;
}

static int digest_run(json_object *request, void *gathered, json_object *answer) {
        unsigned char digest[EVP_MAX_MD_SIZE];
        char hex[INSPECT_SHA256_HEX_BYTES];
        int r;

        r = spans_read(request, update, gathered);
        if (r < 0)
                return r;
        if (EVP_DigestFinal_ex(gathered, digest, NULL) != 1)
                return -EIO;
        for (size_t i = 0; i < sizeof(hex) / 2; i++)
                snprintf(hex + 2 * i, 3, "%02x", digest[i]);
        return json_add_string(answer, "sha256", hex);
}

const Job digest_job = {
        .name = "digest",
        .gather = digest_gather,
        .run = digest_run,
        .memory_bytes = 64 << 20,
};
