/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/io.h"

int memfd_new_with(const char *name, const void *data, size_t size, int *ret_fd) {
        _cleanup_fd_ int fd = -EBADF;
        int r;

        fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd < 0)
                return -errno;
        if (ftruncate(fd, (off_t) size) < 0)
                return -errno;
        if (data) {
                r = write_full(fd, data, size);
                if (r < 0)
                        return r;
                if (lseek(fd, 0, SEEK_SET) < 0)
                        return -errno;
        }

        *ret_fd = TAKE_FD(fd);
        return 0;
}

int write_full(int fd, const void *data, size_t size) {
        const char *p = data;

        while (size > 0) {
                ssize_t n = write(fd, p, size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return -EIO;
                p += n;
                size -= (size_t) n;
        }
        return 0;
}

int copy_range(int in, off_t offset, uint64_t size, int out) {
        while (size > 0) {
                size_t chunk = size > 1U << 30 ? 1U << 30 : (size_t) size;
                ssize_t n = sendfile(out, in, &offset, chunk);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return -ENODATA;
                size -= (uint64_t) n;
        }
        return 0;
}

int read_file_at(int dir_fd, const char *path, size_t max, char **ret, size_t *ret_size) {
        _cleanup_free_ char *data = NULL;
        _cleanup_fd_ int fd = -EBADF;
        size_t size = 0, allocated = 0;

        fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return -errno;

        for (;;) {
                ssize_t n;

                if (allocated - size < 2) {
                        size_t more = allocated ? allocated * 2 : 4096;
                        char *p = realloc(data, more);

                        if (!p)
                                return -ENOMEM;
                        data = p;
                        allocated = more;
                }

                n = read(fd, data + size, allocated - size - 1);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                size += (size_t) n;
                if (size > max)
                        return -EFBIG;
        }

        data[size] = 0;
        *ret = TAKE_PTR(data);
        if (ret_size)
                *ret_size = size;
        return 0;
}

int read_fd(int fd, size_t max, char **ret, size_t *ret_size) {
        char path[sizeof("/proc/self/fd/") + 11];

        snprintf(path, sizeof(path), "/proc/self/fd/%i", fd);
        return read_file_at(AT_FDCWD, path, max, ret, ret_size);
}

int write_file(const char *path, const char *text) {
        _cleanup_fd_ int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
        size_t size = strlen(text);
        ssize_t n;

        if (fd < 0)
                return -errno;
        n = write(fd, text, size);
        if (n < 0)
                return -errno;
        return (size_t) n == size ? 0 : -EIO;
}

int write_file_atomic(const char *path, const char *text, mode_t mode) {
        _cleanup_free_ char *aside = NULL;
        _cleanup_fd_ int fd = -EBADF;
        int r;

        if (asprintf(&aside, "%s.new", path) < 0)
                return -ENOMEM;
        fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
        if (fd < 0)
                return -errno;
        r = write_full(fd, text, strlen(text));
        if (r >= 0 && rename(aside, path) < 0)
                r = -errno;
        if (r < 0)
                (void) unlink(aside);
        return r;
}
