/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "privileged/tmpfs-pack.h"

#define PARTS_MAX 65536U /* more holes than that are written as zeros */

static const char zeros[TMPFS_BUFFER_BYTES];

int packing_find_data(int fd, off_t size, struct archive_entry *entry) {
        off_t end = 0;

        for (unsigned n = 0; end < size; n++) {
                off_t data = lseek(fd, end, SEEK_DATA);

                if (data < 0 && errno != ENXIO)
                        return -errno;
                if (data < 0 || data >= size)
                        break;
                end = n < PARTS_MAX ? lseek(fd, data, SEEK_HOLE) : size;
                if (end < 0)
                        return -errno;
                end = end < size ? end : size;
                archive_entry_sparse_add_entry(entry, data, end - data);
        }
        /* The end of the last hole. libarchive forgets the list where it is one part of the file's length. */
        if (end < size)
                archive_entry_sparse_add_entry(entry, size, 0);
        return 0;
}

/* The bytes of a hole are counted, and go nowhere. */
static int write_hole(Packing *packing, off_t size) {
        int r = 0;

        for (; r >= 0 && size > 0; size -= (off_t) sizeof(zeros))
                r = packing_write(packing, zeros, size < (off_t) sizeof(zeros) ? (size_t) size : sizeof(zeros));
        return r;
}

static int write_data(Packing *packing, int fd, off_t offset, off_t size) {
        while (size > 0) {
                size_t wanted = size < (off_t) TMPFS_BUFFER_BYTES ? (size_t) size : TMPFS_BUFFER_BYTES;
                ssize_t n = pread(fd, packing->buffer, wanted, offset);
                int r;

                if (n <= 0) {
                        packing->is_unread = packing->is_unread || n < 0;
                        return write_hole(packing, size);
                }
                r = packing_write(packing, packing->buffer, (size_t) n);
                if (r < 0)
                        return r;
                offset += n;
                size -= n;
        }
        return 0;
}

int packing_write_file(Packing *packing, int fd, off_t size, struct archive_entry *entry) {
        la_int64_t offset, length;
        off_t position = 0;
        int r = 0;

        if (archive_entry_sparse_reset(entry) == 0)
                return write_data(packing, fd, 0, size);
        while (r >= 0 && archive_entry_sparse_next(entry, &offset, &length) == ARCHIVE_OK) {
                r = write_hole(packing, offset - position);
                if (r >= 0)
                        r = write_data(packing, fd, offset, length);
                position = offset + length;
        }
        return r < 0 ? r : write_hole(packing, size - position);
}
