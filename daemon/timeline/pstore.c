/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/vfs.h>

#include "basic/io.h"
#include "timeline/timeline.h"

#define PSTORE_PATH "/sys/fs/pstore"
#define RECORD_MAX (4U * 1024 * 1024)

/* A mount that nobody else sees and that goes with its fd: early in boot, or where pstore is not wanted. */
static int pstore_mount_aside(void) {
        _cleanup_fd_ int fs_fd = fsopen("pstore", FSOPEN_CLOEXEC);
        int mount_fd;

        if (fs_fd < 0)
                return errno == ENODEV ? -ENOENT : -errno; /* built without pstore */
        if (fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
                return -errno;
        mount_fd = fsmount(fs_fd, FSMOUNT_CLOEXEC,
                        MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
        return mount_fd < 0 ? -errno : mount_fd;
}

static int pstore_open(void) {
        _cleanup_fd_ int fd = open(PSTORE_PATH, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct statfs fs;

        if (fd >= 0 && fstatfs(fd, &fs) >= 0 && fs.f_type == PSTOREFS_MAGIC)
                return TAKE_FD(fd);
        fd = fd_close(fd);

        fd = pstore_mount_aside();
        if (fd < 0)
                return fd;
        /* What fsmount() gave is an O_PATH fd, as good as a path but not to be read. */
        return openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int shutdown_log_read(const char *token, uint64_t mark_tsc, uint64_t tsc_hz, ShutdownLog **ret) {
        _cleanup_closedir_ DIR *dir = NULL;
        int fd, r = -ENOENT;

        fd = pstore_open();
        if (fd < 0)
                return fd;
        dir = fdopendir(fd);
        if (!dir) {
                fd_close(fd);
                return -errno;
        }

        for (struct dirent *entry; (entry = readdir(dir));) {
                _cleanup_free_ char *text = NULL;
                size_t size;
                int q;

                if (strncmp(entry->d_name, "console-", strlen("console-")) != 0)
                        continue;
                q = read_file_at(fd, entry->d_name, RECORD_MAX, &text, &size);
                if (q >= 0)
                        q = shutdown_log_parse(text, size, token, mark_tsc, tsc_hz, ret);
                if (q >= 0)
                        return 0;
                /* Of several troubles the one that is not just absence. */
                if (q != -ENOENT)
                        r = q;
        }
        return r;
}
