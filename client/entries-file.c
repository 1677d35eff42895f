/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "client/entries-internal.h"

int entry_file_read(int dir_fd, const char *name, size_t max, char **ret) {
        _cleanup_free_ char *text = NULL;
        _cleanup_fd_ int fd = -EBADF;
        struct stat st;
        size_t size;
        int r;

        fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EBADMSG;
        r = read_fd(fd, max, &text, &size);
        if (r < 0)
                return r == -EFBIG ? -EBADMSG : r;
        if (memchr(text, 0, size))
                return -EBADMSG;
        *ret = TAKE_PTR(text);
        return 0;
}
