/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "basic/json.h"
#include "inspect/inspect.h"
#include "inspect/job.h"
#include "inspect/process.h"

#define USEC_PER_SEC UINT64_C(1000000)

/* For 2 GiB on an emulated processor. */
#define DIGEST_TIMEOUT_USEC (180 * USEC_PER_SEC)
#define CHECKSUM_COST_TIMEOUT_USEC (300 * USEC_PER_SEC)
#define UNPACK_TIMEOUT_USEC (120 * USEC_PER_SEC)

int inspect_run(const char *job, json_object *request, const int *fds, size_t n_fds, uint64_t timeout_usec,
                json_object **ret) {
        _cleanup_(inspect_process_freep) InspectProcess *process = NULL;
        int r;

        *ret = NULL;
        r = inspect_process_start(job, request, fds, n_fds, timeout_usec, &process);
        return r < 0 ? r : inspect_process_wait(process, ret);
}

/* Each of the fds once. */
typedef struct SpanFds {
        int fds[INSPECT_SPANS_MAX];
        size_t n;
} SpanFds;

static size_t span_fds_add(SpanFds *fds, int fd) {
        for (size_t i = 0; i < fds->n; i++)
                if (fds->fds[i] == fd)
                        return i;
        fds->fds[fds->n] = fd;
        return fds->n++;
}

static int span_add(json_object *spans, const InspectSpan *span, SpanFds *fds) {
        json_object *o = json_object_new_object();

        if (!o || json_object_array_add(spans, o) < 0) {
                json_object_put(o);
                return -ENOMEM;
        }
        if (json_add_u64(o, "bytes", span->bytes) < 0)
                return -ENOMEM;
        if (span->fd < 0)
                return 0;
        if (json_add_u64(o, "fd", JOB_FD_FIRST + span_fds_add(fds, span->fd)) < 0 ||
                        json_add_u64(o, "offset", span->offset) < 0)
                return -ENOMEM;
        return 0;
}

static int run_over_spans(const char *job, const InspectSpan *spans, size_t n_spans, uint64_t timeout_usec,
                json_object **ret) {
        _cleanup_json_ json_object *request = json_object_new_object();
        json_object *array = json_object_new_array();
        SpanFds fds = {};

        if (!request || n_spans > INSPECT_SPANS_MAX) {
                json_object_put(array);
                return request ? -E2BIG : -ENOMEM;
        }
        if (json_add(request, "spans", array) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < n_spans; i++)
                if (span_add(array, &spans[i], &fds) < 0)
                        return -ENOMEM;
        return inspect_run(job, TAKE_PTR(request), fds.fds, fds.n, timeout_usec, ret);
}

int inspect_digest(const InspectSpan *spans, size_t n_spans, char ret_hex[static INSPECT_SHA256_HEX_BYTES]) {
        _cleanup_json_ json_object *answer = NULL;
        const char *hex;
        int r;

        r = run_over_spans("digest", spans, n_spans, DIGEST_TIMEOUT_USEC, &answer);
        if (r < 0)
                return r;
        if (json_get_string(answer, "sha256", &hex) < 0 || strlen(hex) != INSPECT_SHA256_HEX_BYTES - 1 ||
                        strspn(hex, "0123456789abcdef") != INSPECT_SHA256_HEX_BYTES - 1)
                return -EPROTO;
        memcpy(ret_hex, hex, INSPECT_SHA256_HEX_BYTES);
        return 0;
}

int inspect_checksum_cost(const InspectSpan *spans, size_t n_spans, uint64_t *ret_usec) {
        _cleanup_json_ json_object *answer = NULL;
        int r;

        r = run_over_spans("checksum-cost", spans, n_spans, CHECKSUM_COST_TIMEOUT_USEC, &answer);
        if (r < 0)
                return r;
        return json_get_u64(answer, "usec", ret_usec) < 0 ? -EPROTO : 0;
}

int inspect_unpack(int fd, uint64_t offset, uint64_t bytes, const char *compression, int out_fd, uint64_t max) {
        _cleanup_json_ json_object *request = json_object_new_object(), *answer = NULL;
        const int fds[] = { fd, out_fd };

        if (!request || json_add_u64(request, "offset", offset) < 0 || json_add_u64(request, "bytes", bytes) < 0 ||
                        json_add_u64(request, "max", max) < 0 ||
                        json_add_string(request, "compression", compression) < 0)
                return -ENOMEM;
        return inspect_run("unpack", TAKE_PTR(request), fds, ELEMENTSOF(fds), UNPACK_TIMEOUT_USEC, &answer);
}
