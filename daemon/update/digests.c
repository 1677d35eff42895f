/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "update/digests.h"

#define CHECKSUM_BYTES 4U  /* CheckSum of the optional header */
#define DIRECTORY_BYTES 8U /* IMAGE_DATA_DIRECTORY */

typedef struct Spans {
        InspectSpan spans[INSPECT_SPANS_MAX];
        size_t n;
} Spans;

static int spans_add(Spans *spans, int fd, uint64_t offset, uint64_t bytes) {
        if (bytes == 0)
                return 0;
        if (spans->n == INSPECT_SPANS_MAX)
                return -E2BIG;
        spans->spans[spans->n++] = (InspectSpan) { fd, offset, bytes };
        return 0;
}

/* The first copy of this file that has anything at or behind `offset`; NULL: there is none. */
static const PartCopy *next_copy(const Parts *parts, int file_fd, uint64_t offset) {
        const PartCopy *next = NULL;

        for (size_t i = 0; i < parts->n_copies; i++) {
                const PartCopy *copy = &parts->copies[i];

                if (copy->file_fd == file_fd && copy->file_offset + copy->bytes > offset &&
                                (!next || copy->file_offset < next->file_offset))
                        next = copy;
        }
        return next;
}

static int spans_add_file(Spans *spans, const Parts *parts, int file_fd, uint64_t offset, uint64_t end) {
        int r = 0;

        while (r >= 0 && offset < end) {
                const PartCopy *copy = next_copy(parts, file_fd, offset);
                uint64_t to = end;

                if (copy && copy->file_offset > offset)
                        to = copy->file_offset < end ? copy->file_offset : end;
                else if (copy && copy->file_offset + copy->bytes < end)
                        to = copy->file_offset + copy->bytes;

                if (copy && copy->file_offset <= offset)
                        r = spans_add(spans, copy->fd, copy->offset + offset - copy->file_offset, to - offset);
                else
                        r = spans_add(spans, file_fd, offset, to - offset);
                offset = to;
        }
        return r;
}

int digest_file(const Parts *parts, const ImageFile *file, char ret_hex[static INSPECT_SHA256_HEX_BYTES]) {
        Spans spans = {};
        int r = spans_add_file(&spans, parts, file->fd, 0, file->image->file_bytes);

        return r < 0 ? r : inspect_digest(spans.spans, spans.n, ret_hex);
}

int digest_authenticode(const Parts *parts, const ImageFile *file, char ret_hex[static INSPECT_SHA256_HEX_BYTES]) {
        const ImageSigning *signing = &file->image->signing;
        uint64_t end = signing->certificates.bytes > 0 ? signing->certificates.offset : file->image->file_bytes;
        Spans spans = {};
        int r;

        r = spans_add_file(&spans, parts, file->fd, 0, signing->checksum_offset);
        if (r >= 0)
                r = spans_add_file(&spans, parts, file->fd, signing->checksum_offset + CHECKSUM_BYTES,
                                signing->directory_offset);
        if (r >= 0)
                r = spans_add_file(&spans, parts, file->fd, signing->directory_offset + DIRECTORY_BYTES, end);
        return r < 0 ? r : inspect_digest(spans.spans, spans.n, ret_hex);
}

int digest_section(const Parts *parts, const ImageFile *file, ImageSection section,
                char ret_hex[static INSPECT_SHA256_HEX_BYTES]) {
        const ImageRange *range = &file->image->sections[section];
        Spans spans = {};
        int r = spans_add_file(&spans, parts, file->fd, range->offset, range->offset + range->bytes);

        return r < 0 ? r : inspect_digest(spans.spans, spans.n, ret_hex);
}

/* The kernel's segment is as long as it needs to decompress itself, and zeros where it has nothing. */
int digest_checksum_cost(const Parts *parts, const ImageBoot *boot, uint64_t *ret_usec) {
        uint64_t kernel = parts->kernel_bytes > boot->setup_bytes ? parts->kernel_bytes - boot->setup_bytes : 0;
        Spans spans = {};
        int r;

        r = spans_add(&spans, parts->kernel_fd, boot->setup_bytes, kernel);
        if (r >= 0 && boot->init_bytes > kernel)
                r = spans_add(&spans, -EBADF, 0, boot->init_bytes - kernel);
        if (r >= 0)
                r = spans_add(&spans, parts->initrd_fd, 0, parts->initrd_bytes);
        return r < 0 ? r : inspect_checksum_cost(spans.spans, spans.n, ret_usec);
}
