/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "basic/io.h"
#include "config/config-internal.h"
#include "config/files.h"

int config_note_unreadable(Config *config, const char *label, int r) {
        if (r == -ENOMEM)
                return r;
        if (r == -EFBIG)
                return config_note(config, label, 0, "larger than %u KiB, passed over as a whole",
                                CONFIG_FILE_BYTES_MAX / 1024);
        errno = -r;
        return config_note(config, label, 0, "cannot be read: %m");
}

bool config_is_absent(const char *path) {
        struct stat st;

        return lstat(path, &st) < 0 && (errno == ENOENT || errno == ENOTDIR);
}

/* The file is looked at before it is opened for reading, which would wait on a FIFO. */
static int read_content(Config *config, const char *path, const char *label) {
        _cleanup_free_ char *text = NULL;
        _cleanup_fd_ int fd = open(path, O_PATH | O_CLOEXEC);
        struct stat st;
        size_t size;
        int r;

        if (fd < 0 || fstat(fd, &st) < 0)
                return config_note_unreadable(config, label, -errno);
        if (S_ISCHR(st.st_mode) &&
                        st.st_rdev == makedev(1, 3)) /* /dev/null: Documentation/admin-guide/devices.txt */
                return 0;
        if (!S_ISREG(st.st_mode))
                return config_note(config, label, 0, "not a regular file, passed over");
        r = read_fd(fd, CONFIG_FILE_BYTES_MAX, &text, &size);
        if (r < 0)
                return config_note_unreadable(config, label, r);
        return config_apply(config, label, text, size);
}

int config_read_file(Config *config, const char *path) {
        _cleanup_free_ char *label = config_printable(path, PATH_MAX);
        int r;

        if (!label)
                return -ENOMEM;
        if (config_is_absent(path))
                return 0;
        r = read_content(config, path, label);
        return r < 0 ? r : 1;
}
