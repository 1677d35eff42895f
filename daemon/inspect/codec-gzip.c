/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#include "inspect/codec.h"

#define GZIP_ONLY 16 /* zlib.h: inflateInit2() */

static int gzip_open(void **ret_state) {
        z_stream *stream = calloc(1, sizeof(*stream));

        if (!stream || inflateInit2(stream, GZIP_ONLY + MAX_WBITS) != Z_OK) {
                free(stream);
                return -ENOMEM;
        }
        *ret_state = stream;
        return 0;
}

static int gzip_step(void *state, const uint8_t **in, size_t *in_bytes, uint8_t **out, size_t *out_bytes,
                bool is_last) {
        z_stream *stream = state;
        int code;

        stream->next_in = (uint8_t *) *in;
        stream->avail_in = (unsigned) *in_bytes;
        stream->next_out = *out;
        stream->avail_out = (unsigned) *out_bytes;
        code = inflate(stream, Z_NO_FLUSH);
        *in = stream->next_in;
        *in_bytes = stream->avail_in;
        *out = stream->next_out;
        *out_bytes = stream->avail_out;

        switch (code) {
        case Z_STREAM_END:
                return 1;
        case Z_OK:
        case Z_BUF_ERROR:
                return 0;
        case Z_MEM_ERROR:
                return -ENOMEM;
        default:
                return -EBADMSG;
        }
}

static void gzip_close(void *state) {
        inflateEnd(state);
        free(state);
}

const Codec codec_gzip = { "gzip", { 0x1f, 0x8b }, false, gzip_open, gzip_step, gzip_close };
