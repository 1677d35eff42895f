/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "basic/cleanup.h"
#include "inspect/decompress.h"
#include "inspect/spans.h"

#define IN_BYTES (256U << 10)
#define OUT_BYTES (1U << 20)
#define SIZE_BYTES 4U

typedef struct Stream {
        Payload *payload;
        void *state;
        uint8_t *in, *out;
        const uint8_t *in_next; /* in `in`, of which in_bytes are left */
        size_t in_bytes;
        uint64_t offset, left; /* in the file */
        uint64_t written;
} Stream;

static void stream_done(Stream *stream) {
        if (stream->state)
                stream->payload->codec->close(stream->state);
        free(stream->in);
        free(stream->out);
}

static int refuse(Payload *payload, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int refuse(Payload *payload, int error, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(payload->detail, sizeof(payload->detail), format, ap);
        va_end(ap);
        return error;
}

static int read_exactly(Payload *payload, uint64_t offset, uint8_t *data, size_t size) {
        while (size > 0) {
                ssize_t n = read_at(payload->fd, data, size, offset);

                if (n < 0)
                        return (int) n;
                if (n == 0)
                        return refuse(payload, -EBADMSG, "the file ends within the compressed kernel");
                data += n;
                offset += (uint64_t) n;
                size -= (size_t) n;
        }
        return 0;
}

int payload_probe(Payload *payload) {
        uint8_t magic[2];
        int r;

        if (payload->bytes < sizeof(magic) + SIZE_BYTES || payload->bytes > (uint64_t) INT64_MAX - payload->offset)
                return refuse(payload, -EBADMSG, "%" PRIu64 " bytes cannot be a compressed kernel", payload->bytes);
        r = read_exactly(payload, payload->offset, magic, sizeof(magic));
        if (r < 0)
                return r;
        payload->codec = codec_by_magic(magic);
        if (!payload->codec)
                return refuse(payload, -EOPNOTSUPP, "it begins with %02x %02x, as no compression known here does",
                                magic[0], magic[1]);
        if (!payload->codec->open)
                return refuse(payload, -EOPNOTSUPP, "%s is not known here", payload->codec->name);
        return 0;
}

static int stream_fill(Stream *stream) {
        size_t n = stream->left < IN_BYTES ? (size_t) stream->left : IN_BYTES;
        int r;

        if (stream->in_bytes > 0 || n == 0)
                return 0;
        r = read_exactly(stream->payload, stream->offset, stream->in, n);
        if (r < 0)
                return r;
        stream->in_next = stream->in;
        stream->in_bytes = n;
        stream->offset += n;
        stream->left -= n;
        return 0;
}

/* 1: that was the end. */
static int stream_step(Stream *stream, SinkFunc sink, void *userdata) {
        Payload *payload = stream->payload;
        size_t in_before = stream->in_bytes, out_bytes = OUT_BYTES, n;
        uint8_t *out = stream->out;
        bool is_end;
        int r;

        r = payload->codec->step(stream->state, &stream->in_next, &stream->in_bytes, &out, &out_bytes,
                        stream->left == 0);
        if (r == -EBADMSG)
                return refuse(payload, r, "its %s data is broken %" PRIu64 " bytes in", payload->codec->name,
                                stream->offset - payload->offset - stream->in_bytes);
        if (r < 0)
                return r;
        is_end = r > 0;

        n = OUT_BYTES - out_bytes;
        if (n > payload->bytes_max - stream->written)
                return refuse(payload, -EFBIG, "it decompresses to more than %" PRIu64 " bytes", payload->bytes_max);
        stream->written += n;
        r = n > 0 ? sink(stream->out, n, userdata) : 0;
        if (r < 0)
                return r;
        if (!is_end && n == 0 && stream->in_bytes == in_before)
                return refuse(payload, -EBADMSG, "its %s data ends too early", payload->codec->name);
        return is_end;
}

static int stream_run(Stream *stream, SinkFunc sink, void *userdata) {
        Payload *payload = stream->payload;
        int r;

        do {
                r = stream_fill(stream);
                if (r < 0)
                        return r;
                r = stream_step(stream, sink, userdata);
        } while (r == 0);
        if (r < 0)
                return r;
        if (stream->in_bytes + stream->left > 0)
                return refuse(payload, -EBADMSG, "%" PRIu64 " bytes follow its %s data",
                                stream->in_bytes + stream->left, payload->codec->name);
        return 0;
}

/* What the kernel reserves for itself, and would overrun: arch/x86/boot/compressed/misc.c. */
static int size_check(Payload *payload, uint64_t written) {
        uint8_t size[SIZE_BYTES];
        uint32_t told;
        int r;

        r = read_exactly(payload, payload->offset + payload->bytes - SIZE_BYTES, size, sizeof(size));
        if (r < 0)
                return r;
        told = size[0] | (uint32_t) size[1] << 8 | (uint32_t) size[2] << 16 | (uint32_t) size[3] << 24;
        if (told != written)
                return refuse(payload, -EBADMSG, "it decompresses to %" PRIu64 " bytes, and should to %" PRIu32,
                                written, told);
        return 0;
}

int payload_decompress(Payload *payload, SinkFunc sink, void *userdata) {
        bool has_size_behind = payload->codec->has_size_behind && payload->has_size_behind;
        _cleanup_(stream_done) Stream stream = {
                .payload = payload,
                .offset = payload->offset,
                .left = payload->bytes - (has_size_behind ? SIZE_BYTES : 0),
        };
        int r;

        stream.in = malloc(IN_BYTES);
        stream.out = malloc(OUT_BYTES);
        if (!stream.in || !stream.out)
                return -ENOMEM;
        stream.in_next = stream.in;
        r = payload->codec->open(&stream.state);
        if (r < 0)
                return r;
        r = stream_run(&stream, sink, userdata);
        if (r < 0)
                return r;
        return has_size_behind ? size_check(payload, stream.written) : 0;
}
