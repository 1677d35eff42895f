/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* xz, and the older format of the same library, with which it has all but the beginning in common. */

#include <errno.h>
#include <lzma.h>
#include <stdlib.h>

#include "inspect/codec.h"

/* scripts/xz_wrap.sh asks for a dictionary of 128 MiB. */
#define MEMORY_BYTES_MAX (192U << 20)

static int lzma_state_new(bool is_alone, void **ret_state) {
        lzma_stream *stream = malloc(sizeof(*stream));

        if (!stream)
                return -ENOMEM;
        *stream = (lzma_stream) LZMA_STREAM_INIT;
        if ((is_alone ? lzma_alone_decoder(stream, MEMORY_BYTES_MAX) :
                        lzma_stream_decoder(stream, MEMORY_BYTES_MAX, 0)) != LZMA_OK) {
                free(stream);
                return -ENOMEM;
        }
        *ret_state = stream;
        return 0;
}

static int xz_open(void **ret_state) {
        return lzma_state_new(false, ret_state);
}

static int lzma_open(void **ret_state) {
        return lzma_state_new(true, ret_state);
}

static int lzma_step(void *state, const uint8_t **in, size_t *in_bytes, uint8_t **out, size_t *out_bytes,
                bool is_last) {
        lzma_stream *stream = state;
        lzma_ret code;

        stream->next_in = *in;
        stream->avail_in = *in_bytes;
        stream->next_out = *out;
        stream->avail_out = *out_bytes;
        code = lzma_code(stream, LZMA_RUN);
        *in = stream->next_in;
        *in_bytes = stream->avail_in;
        *out = stream->next_out;
        *out_bytes = stream->avail_out;

        switch (code) {
        case LZMA_STREAM_END:
                return 1;
        case LZMA_OK:
        case LZMA_BUF_ERROR:
                return 0;
        case LZMA_MEM_ERROR:
                return -ENOMEM;
        default:
                return -EBADMSG;
        }
}

static void lzma_close(void *state) {
        lzma_end(state);
        free(state);
}

const Codec codec_xz = { "xz", { 0xfd, '7' }, true, xz_open, lzma_step, lzma_close };
const Codec codec_lzma = { "lzma", { 0x5d, 0x00 }, true, lzma_open, lzma_step, lzma_close };
