/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The compressions of kernels: Linux, lib/decompress.c has the same table. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Codec {
        const char *name;
        uint8_t magic[2];
        bool has_size_behind; /* scripts/Makefile.lib: size_append */
        /* 0 or -ENOMEM; NULL: not known here. */
        int (*open)(void **ret_state);
        /* Takes from `in` and puts into `out`, moving both on. `is_last`: nothing comes after `in`. 1: that was the
         * end, 0: go on, -EBADMSG: broken, -ENOMEM. */
        int (*step)(void *state, const uint8_t **in, size_t *in_bytes, uint8_t **out, size_t *out_bytes,
                    bool is_last);
        void (*close)(void *state); /* not called without a state */
} Codec;

extern const Codec codec_bzip2, codec_gzip, codec_lz4, codec_lzma, codec_xz, codec_zstd;

const Codec *codec_by_magic(const uint8_t magic[static 2]); /* NULL: none */
const Codec *codec_by_name(const char *name);               /* those of a zboot: "xzkern", "zstd22" too */
