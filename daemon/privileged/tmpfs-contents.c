/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "privileged/tmpfs-unpack.h"
#include "privileged/tmpfs.h"

#define CHUNK_BYTES 65536U

bool unpacking_is_path(const char *path) {
        unsigned depth = 0;

        if (strcmp(path, ".") == 0)
                return true;
        for (const char *p = path;; p++) {
                size_t length = strcspn(p, "/");

                if (length == 0 || (length == 1 && p[0] == '.') || (length == 2 && p[0] == '.' && p[1] == '.'))
                        return false;
                if (++depth > TMPFS_DEPTH_MAX + 1)
                        return false;
                p += length;
                if (!*p)
                        return true;
        }
}

static int write_at(int fd, const char *data, size_t size, off_t offset) {
        while (size > 0) {
                ssize_t n = pwrite(fd, data, size, offset);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                data += n;
                size -= (size_t) n;
                offset += n;
        }
        return 0;
}

int unpacking_write(struct archive *archive, int fd, off_t size) {
        const void *data;
        size_t n;
        la_int64_t offset;
        int got, r = 0;

        while (r >= 0 && (got = archive_read_data_block(archive, &data, &n, &offset)) >= ARCHIVE_WARN) {
                if (got == ARCHIVE_EOF)
                        return ftruncate(fd, size) < 0 ? -errno : 0;
                if (offset < 0 || offset > size || (off_t) n > size - offset)
                        return -EBADMSG;
                r = write_at(fd, data, n, offset);
        }
        return r < 0 ? r : -EBADMSG;
}

static bool has_bytes(int fd, const char *data, size_t size, off_t offset) {
        char chunk[CHUNK_BYTES];

        while (size > 0) {
                ssize_t n = pread(fd, chunk, size < sizeof(chunk) ? size : sizeof(chunk), offset);

                if (n <= 0 || memcmp(chunk, data, (size_t) n) != 0)
                        return false;
                data += n;
                size -= (size_t) n;
                offset += n;
        }
        return true;
}

static bool has_zeros(int fd, off_t from, off_t to) {
        static const char zeros[CHUNK_BYTES];

        while (from < to) {
                off_t data = lseek(fd, from, SEEK_DATA), n;

                if (data < 0 || data >= to)
                        return data >= 0 || errno == ENXIO;
                n = to - data < (off_t) sizeof(zeros) ? to - data : (off_t) sizeof(zeros);
                if (!has_bytes(fd, zeros, (size_t) n, data))
                        return false;
                from = data + n;
        }
        return true;
}

static bool is_contents(struct archive *archive, int fd, off_t size) {
        const void *data;
        size_t n;
        la_int64_t offset;
        off_t position = 0;
        int got;

        while ((got = archive_read_data_block(archive, &data, &n, &offset)) >= ARCHIVE_WARN) {
                if (got == ARCHIVE_EOF)
                        return has_zeros(fd, position, size);
                if (offset < position || offset > size || (off_t) n > size - offset ||
                                !has_zeros(fd, position, offset) || !has_bytes(fd, data, n, offset))
                        return false;
                position = offset + (off_t) n;
        }
        return false;
}

bool unpacking_is_contents(struct archive *archive, int fd, off_t size) {
        char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
        _cleanup_fd_ int file = -EBADF;

        (void) snprintf(path, sizeof(path), "/proc/self/fd/%i", fd);
        file = open(path, O_RDONLY | O_NOATIME | O_CLOEXEC);
        return file >= 0 && is_contents(archive, file, size);
}
