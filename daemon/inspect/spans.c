/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "basic/json.h"
#include "inspect/inspect.h"
#include "inspect/job.h"
#include "inspect/spans.h"

#define PIECE_BYTES (1U << 20)

ssize_t read_at(int fd, void *data, size_t size, uint64_t offset) {
        for (;;) {
                ssize_t n = pread(fd, data, size, (off_t) offset);

                if (n >= 0)
                        return n;
                if (errno != EINTR)
                        return -errno;
        }
}

static int span_parse(json_object *o, InspectSpan *ret) {
        InspectSpan span = { .fd = -EBADF };
        uint64_t fd;
        int r;

        r = json_get_u64(o, "bytes", &span.bytes);
        if (r < 0)
                return -EINVAL;
        r = json_get_u64(o, "fd", &fd);
        if (r == -ENOENT) {
                *ret = span;
                return 0;
        }
        if (r < 0 || fd < JOB_FD_FIRST || fd > JOB_FD_FIRST + INSPECT_SPANS_MAX)
                return -EINVAL;
        span.fd = (int) fd;
        r = json_get_u64(o, "offset", &span.offset);
        if (r < 0 || span.bytes > INT64_MAX - span.offset)
                return -EINVAL;
        *ret = span;
        return 0;
}

static int span_read(const InspectSpan *span, uint8_t *piece, SpanFunc func, void *userdata) {
        uint64_t offset = span->offset, left = span->bytes;

        while (left > 0) {
                ssize_t n = read_at(span->fd, piece, left < PIECE_BYTES ? (size_t) left : PIECE_BYTES, offset);
                int r;

                if (n <= 0)
                        return n < 0 ? (int) n : -EBADMSG;
                r = func(piece, (size_t) n, userdata);
                if (r < 0)
                        return r;
                offset += (uint64_t) n;
                left -= (uint64_t) n;
        }
        return 0;
}

static int zeros_read(uint64_t left, const uint8_t *zeros, SpanFunc func, void *userdata) {
        while (left > 0) {
                size_t n = left < PIECE_BYTES ? (size_t) left : PIECE_BYTES;
                int r = func(zeros, n, userdata);

                if (r < 0)
                        return r;
                left -= n;
        }
        return 0;
}

int spans_read(json_object *request, SpanFunc func, void *userdata) {
        _cleanup_free_ uint8_t *piece = malloc(PIECE_BYTES), *zeros = calloc(1, PIECE_BYTES);
        json_object *spans;
        int r;

        if (!piece || !zeros)
                return -ENOMEM;
        if (json_get_array(request, "spans", &spans) < 0 || json_object_array_length(spans) > INSPECT_SPANS_MAX)
                return -EINVAL;
        for (size_t i = 0; i < json_object_array_length(spans); i++) {
                InspectSpan span;

                r = span_parse(json_object_array_get_idx(spans, i), &span);
                if (r < 0)
                        return r;
                r = span.fd < 0 ? zeros_read(span.bytes, zeros, func, userdata) :
                                  span_read(&span, piece, func, userdata);
                if (r < 0)
                        return r;
        }
        return 0;
}
