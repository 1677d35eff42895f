/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "image/source.h"

int source_refuse(ImageSource *source, ImageError error, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(source->detail, sizeof(source->detail), format, ap);
        va_end(ap);
        for (char *p = source->detail; *p; p++)
                if (*p < 0x20 || *p > 0x7e)
                        *p = '?';
        return error;
}

int source_read(ImageSource *source, uint64_t offset, void *data, size_t size, const char *what) {
        uint8_t *p = data;
        uint64_t end;

        if (__builtin_add_overflow(offset, size, &end) || end > source->bytes)
                goto truncated;

        while (size > 0) {
                ssize_t n = pread(source->fd, p, size, (off_t) offset);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        goto truncated;
                p += n;
                offset += (uint64_t) n;
                size -= (size_t) n;
        }
        return 0;

truncated:
        return source_refuse(source, IMAGE_E_TRUNCATED,
                        "%s, at 0x%" PRIx64 "+0x%zx, ends past the file's 0x%" PRIx64 " bytes", what, offset,
                        size, source->bytes);
}
