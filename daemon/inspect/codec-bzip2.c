/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <bzlib.h>
#include <errno.h>
#include <stdlib.h>

#include "inspect/codec.h"

static int bzip2_open(void **ret_state) {
        bz_stream *stream = calloc(1, sizeof(*stream));

        if (!stream || BZ2_bzDecompressInit(stream, 0, 0) != BZ_OK) {
                free(stream);
                return -ENOMEM;
        }
        *ret_state = stream;
        return 0;
}

static int bzip2_step(void *state, const uint8_t **in, size_t *in_bytes, uint8_t **out, size_t *out_bytes,
                bool is_last) {
        bz_stream *stream = state;
        int code;

        stream->next_in = (char *) *in;
        stream->avail_in = (unsigned) *in_bytes;
        stream->next_out = (char *) *out;
        stream->avail_out = (unsigned) *out_bytes;
        code = BZ2_bzDecompress(stream);
        *in = (const uint8_t *) stream->next_in;
        *in_bytes = stream->avail_in;
        *out = (uint8_t *) stream->next_out;
        *out_bytes = stream->avail_out;

        switch (code) {
        case BZ_STREAM_END:
                return 1;
        case BZ_OK:
                return 0;
        case BZ_MEM_ERROR:
                return -ENOMEM;
        default:
                return -EBADMSG;
        }
}

static void bzip2_close(void *state) {
        (void) BZ2_bzDecompressEnd(state);
        free(state);
}

const Codec codec_bzip2 = { "bzip2", { 'B', 'Z' }, true, bzip2_open, bzip2_step, bzip2_close };
