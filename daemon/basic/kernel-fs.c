/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/vfs.h>

#include "basic/cleanup.h"
#include "basic/kernel-fs.h"

static const struct {
        const char *type, *path;
        uint32_t magic;
} kinds[] = {
        [KERNEL_FS_DEBUG] = { "debugfs", "/sys/kernel/debug", DEBUGFS_MAGIC },
        [KERNEL_FS_SECURITY] = { "securityfs", "/sys/kernel/security", SECURITYFS_MAGIC },
};

static int mount_aside(const char *type) {
        _cleanup_fd_ int fs_fd = fsopen(type, FSOPEN_CLOEXEC);
        _cleanup_fd_ int mount_fd = -EBADF;
        int fd;

        if (fs_fd < 0)
                return -errno;
        if (fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
                return -errno;
        mount_fd = fsmount(fs_fd, FSMOUNT_CLOEXEC,
                        MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
        if (mount_fd < 0)
                return -errno;
        /* It is an O_PATH fd, as good as a path but not to be read. */
        fd = openat(mount_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int kernel_fs_open(const char *root, KernelFs fs) {
        _cleanup_free_ char *path = NULL;
        _cleanup_fd_ int fd = -EBADF;
        struct statfs st;

        if (asprintf(&path, "%s%s", root, kinds[fs].path) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (*root)
                return fd < 0 ? -errno : TAKE_FD(fd);

        /* sysfs has an empty directory there if it is not mounted. */
        if (fd >= 0 && fstatfs(fd, &st) >= 0 && (uint32_t) st.f_type == kinds[fs].magic)
                return TAKE_FD(fd);
        return mount_aside(kinds[fs].type);
}
