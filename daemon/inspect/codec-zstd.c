/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "inspect/codec.h"

/* `zstd -22 --ultra`, as for kernels, has a window of 128 MiB, which is also what the library takes unasked. */
static int zstd_open(void **ret_state) {
        *ret_state = ZSTD_createDStream();
        return *ret_state ? 0 : -ENOMEM;
}

static int zstd_step(void *state, const uint8_t **in, size_t *in_bytes, uint8_t **out, size_t *out_bytes,
                bool is_last) {
        ZSTD_inBuffer input = { *in, *in_bytes, 0 };
        ZSTD_outBuffer output = { *out, *out_bytes, 0 };
        size_t hint;

        hint = ZSTD_decompressStream(state, &output, &input);
        *in += input.pos;
        *in_bytes -= input.pos;
        *out += output.pos;
        *out_bytes -= output.pos;

        if (!ZSTD_isError(hint))
                return hint == 0;
        return ZSTD_getErrorCode(hint) == ZSTD_error_memory_allocation ? -ENOMEM : -EBADMSG;
}

static void zstd_close(void *state) {
        (void) ZSTD_freeDStream(state);
}

const Codec codec_zstd = { "zstd", { 0x28, 0xb5 }, true, zstd_open, zstd_step, zstd_close };
