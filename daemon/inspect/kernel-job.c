/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "basic/json.h"
#include "inspect/decompress.h"
#include "inspect/job.h"
#include "inspect/scanner.h"

#define KERNEL_BYTES_MAX (1U << 30)

DEFINE_CLEANUP(Scanner *, scanner_free)

static int feed(const uint8_t *data, size_t size, void *userdata) {
        scanner_feed(userdata, data, size);
        return 0;
}

static int names_add(const Scanner *scanner, json_object *answer) {
        json_object *names = json_object_new_array();
        int r = json_add(answer, "abi", names);

        for (size_t i = 0; r >= 0 && i < scanner_n_names(scanner); i++)
                r = json_object_array_add(names, json_object_new_string(scanner_name(scanner, i))) < 0 ? -ENOMEM : 0;
        return r;
}

static int contents_add(const Scanner *scanner, json_object *answer) {
        const char *banner = scanner_banner(scanner);

        if (names_add(scanner, answer) < 0 || (*banner && json_add_string(answer, "banner", banner) < 0) ||
                        json_add_bool(answer, "liveupdate", scanner_has_liveupdate(scanner)) < 0 ||
                        json_add_bool(answer, "checksumSkip", scanner_has_checksum_skip(scanner)) < 0)
                return -ENOMEM;
        return 0;
}

static int kernel_run(json_object *request, void *gathered, json_object *answer) {
        Payload payload = { .fd = JOB_FD_FIRST, .has_size_behind = true, .bytes_max = KERNEL_BYTES_MAX };
        _cleanup_(scanner_freep) Scanner *scanner = scanner_new();
        int r;

        if (!scanner)
                return -ENOMEM;
        if (json_get_u64(request, "offset", &payload.offset) < 0 || json_get_u64(request, "bytes", &payload.bytes) < 0)
                return -EINVAL;
        r = payload_probe(&payload);
        if (r >= 0)
                r = json_add_string(answer, "compression", payload.codec->name);
        if (r >= 0)
                r = payload_decompress(&payload, feed, scanner);
        if (r < 0)
                return *payload.detail ? job_refuse(answer, r, "%s", payload.detail) : r;
        return contents_add(scanner, answer);
}

const Job kernel_job = {
        .name = "kernel",
        .run = kernel_run,
        .memory_bytes = 320 << 20, /* zstd and xz look back 128 MiB */
};
