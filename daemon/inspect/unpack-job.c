/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "basic/io.h"
#include "basic/json.h"
#include "inspect/decompress.h"
#include "inspect/job.h"

#define OUTPUT_FD (JOB_FD_FIRST + 1)
#define OUTPUT_BYTES_MAX (2ULL << 30)

static int put(const uint8_t *data, size_t size, void *userdata) {
        return write_full(OUTPUT_FD, data, size);
}

/* By its first bytes the data has to be what the header says. */
static int codec_check(Payload *payload, const char *compression, json_object *answer) {
        const Codec *codec = codec_by_name(compression);

        if (!codec)
                return job_refuse(answer, -EOPNOTSUPP, "its compression '%s' is not known here", compression);
        if (codec != payload->codec)
                return job_refuse(answer, -EBADMSG, "its header says %s, its data is %s", codec->name,
                                payload->codec->name);
        return 0;
}

static int unpack_run(json_object *request, void *gathered, json_object *answer) {
        Payload payload = { .fd = JOB_FD_FIRST };
        const char *compression;
        int r;

        if (json_get_u64(request, "offset", &payload.offset) < 0 ||
                        json_get_u64(request, "bytes", &payload.bytes) < 0 ||
                        json_get_u64(request, "max", &payload.bytes_max) < 0 || payload.bytes_max > OUTPUT_BYTES_MAX ||
                        json_get_string(request, "compression", &compression) < 0)
                return -EINVAL;
        r = payload_probe(&payload);
        if (r >= 0) {
                r = codec_check(&payload, compression, answer);
                if (r < 0)
                        return r;
                r = payload_decompress(&payload, put, NULL);
        }
        return r < 0 && *payload.detail ? job_refuse(answer, r, "%s", payload.detail) : r;
}

const Job unpack_job = {
        .name = "unpack",
        .run = unpack_run,
        .memory_bytes = 320 << 20,
        .output_fd = OUTPUT_FD,
        .output_bytes = OUTPUT_BYTES_MAX,
};
