/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The file as the parser in the sandbox sees it. Everything below answers as image_look(); nothing allocates. */

#include <stdint.h>
#include <string.h>

#include "image/answer.h"

typedef struct ImageSource {
        int fd;
        uint64_t bytes;
        char detail[IMAGE_DETAIL_BYTES_MAX + 1]; /* of the last refusal */
} ImageSource;

/* Exactly `size` bytes, or IMAGE_E_TRUNCATED; `what` is what they are, for the refusal. */
int source_read(ImageSource *source, uint64_t offset, void *data, size_t size, const char *what);

/* Notes why, in printable ASCII, and answers `error`. */
int source_refuse(ImageSource *source, ImageError error, const char *format, ...)
                __attribute__((format(printf, 3, 4)));

static inline uint16_t get_le16(const uint8_t *p) {
        return (uint16_t) (p[0] | p[1] << 8);
}

static inline uint32_t get_le32(const uint8_t *p) {
        return (uint32_t) get_le16(p) | (uint32_t) get_le16(p + 2) << 16;
}

static inline uint64_t get_le64(const uint8_t *p) {
        return (uint64_t) get_le32(p) | (uint64_t) get_le32(p + 4) << 32;
}
