/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A kernel's payload, decompressed piece by piece. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inspect/codec.h"

/* 0 or a negative errno, which ends it. */
typedef int (*SinkFunc)(const uint8_t *data, size_t size, void *userdata);

typedef struct Payload {
        int fd;
        uint64_t offset, bytes;
        bool has_size_behind;    /* where the codec has that at all: so in a bzImage, not so in a zboot */
        uint64_t bytes_max;      /* of what comes out: -EFBIG */
        const Codec *codec;      /* filled by payload_probe() */
        char detail[160];        /* why not, after an error */
} Payload;

/* By the magic number. -EOPNOTSUPP: a compression that is not known here; -EBADMSG: nothing there. */
int payload_probe(Payload *payload);

/* -EBADMSG: broken; -EFBIG; of `sink`. */
int payload_decompress(Payload *payload, SinkFunc sink, void *userdata);
