/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include "drain/inventory-internal.h"

/* Newer than Debian 12's linux/magic.h. */
#ifndef PID_FS_MAGIC
#define PID_FS_MAGIC 0x50494446
#endif
#ifndef GUEST_MEMFD_MAGIC
#define GUEST_MEMFD_MAGIC 0x474d454d
#endif

static void fd_path(int fds_fd, const char *number, char *ret, size_t size) {
        snprintf(ret, size, "/proc/self/fd/%i/%s", fds_fd, number);
}

/* By the name of its protocol (struct proto): net/socket.c:sockfs_xattr_get(). */
static bool is_network_socket(int fds_fd, const char *number) {
        static const char *const others[] = { "UNIX", "UNIX-STREAM", "NETLINK", "AF_VSOCK", "ALG" };
        char path[64], protocol[64];
        ssize_t n;

        fd_path(fds_fd, number, path, sizeof(path));
        n = getxattr(path, "system.sockprotoname", protocol, sizeof(protocol) - 1);
        if (n < 0)
                return true;
        protocol[n] = 0;
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                if (strcmp(protocol, others[i]) == 0)
                        return false;
        return true;
}

int process_fd_look(int fds_fd, const char *number, FileFacts *ret) {
        struct statx st;

        /* Nobody is to be asked who is on another machine. */
        if (statx(fds_fd, number, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_TYPE, &st) < 0)
                return -errno;
        *ret = (FileFacts) {
                .mode = st.stx_mode,
                .dev = makedev(st.stx_dev_major, st.stx_dev_minor),
                .rdev = makedev(st.stx_rdev_major, st.stx_rdev_minor),
                .is_network_socket = S_ISSOCK(st.stx_mode) && is_network_socket(fds_fd, number),
        };
        return 0;
}

bool process_fd_is_in_memory(int fds_fd, const char *number) {
        static const uint32_t magics[] = { TMPFS_MAGIC, HUGETLBFS_MAGIC, RAMFS_MAGIC, SECRETMEM_MAGIC,
                                           GUEST_MEMFD_MAGIC, DMA_BUF_MAGIC, ANON_INODE_FS_MAGIC, PID_FS_MAGIC,
                                           NSFS_MAGIC, PROC_SUPER_MAGIC, SYSFS_MAGIC, CGROUP2_SUPER_MAGIC };
        struct statfs st;
        char path[64];

        fd_path(fds_fd, number, path, sizeof(path));
        if (statfs(path, &st) < 0)
                return false;
        for (size_t i = 0; i < ELEMENTSOF(magics); i++)
                if ((uint32_t) st.f_type == magics[i])
                        return true;
        return false;
}
