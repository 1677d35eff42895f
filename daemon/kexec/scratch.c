/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/cleanup.h"
#include "basic/io.h"
#include "basic/kernel-fs.h"
#include "kexec/fit.h"
#include "kexec/host-internal.h"

/* One for each node and two more: kexec_handover.c:kho_reserve_scratch() */
#define AREAS_MAX 4096U
#define LIST_BYTES_MAX (AREAS_MAX * 32U)

/* "0x1a0000000\n" a line: kernel/liveupdate/kexec_handover_debugfs.c:scratch_phys_show() */
static int parse_line(const char **p, uint64_t *ret) {
        char *end;

        if (strncmp(*p, "0x", 2) != 0)
                return -EBADMSG;
        errno = 0;
        *ret = strtoull(*p, &end, 16);
        if (errno != 0 || *end != '\n')
                return -EBADMSG;
        *p = end + 1;
        return 0;
}

int scratch_areas_parse(const char *starts, const char *sizes, KexecArea **ret, size_t *ret_n) {
        _cleanup_free_ KexecArea *areas = NULL;
        size_t n = 0;

        areas = calloc(AREAS_MAX, sizeof(*areas));
        if (!areas)
                return -ENOMEM;
        for (; *starts || *sizes; n++) {
                if (n == AREAS_MAX || parse_line(&starts, &areas[n].start) < 0 ||
                                parse_line(&sizes, &areas[n].bytes) < 0 ||
                                areas[n].bytes > UINT64_MAX - areas[n].start)
                        return -EBADMSG;
        }
        if (n == 0)
                return -ENODATA;
        *ret = TAKE_PTR(areas);
        *ret_n = n;
        return 0;
}

/* LUO does without KHO's debugfs, but not without KHO: kernel/liveupdate/luo_core.c:luo_early_startup() */
static bool has_luo(const char *root) {
        _cleanup_free_ char *path = NULL;

        if (asprintf(&path, "%s/sys/class/misc/liveupdate", root) < 0)
                path = NULL;
        return path && access(path, F_OK) == 0;
}

/* kexec_handover.c:kho_init() makes the directory only if KHO is on. */
static int kho_open(const char *root) {
        _cleanup_fd_ int debugfs_fd = kernel_fs_open(root, KERNEL_FS_DEBUG);
        int fd;

        if (debugfs_fd == -ENOMEM)
                return -ENOMEM;
        fd = debugfs_fd < 0 ? debugfs_fd : openat(debugfs_fd, "kho/out", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0)
                return fd;
        return debugfs_fd >= 0 && errno == ENOENT && !has_luo(root) ? -EOPNOTSUPP : -ENODATA;
}

int kexec_kho_is_on(const char *root) {
        _cleanup_fd_ int fd = kho_open(root);

        if (fd >= 0 || has_luo(root))
                return 1;
        return fd == -EOPNOTSUPP ? 0 : fd;
}

int kexec_scratch_areas(const char *root, KexecArea **ret, size_t *ret_n) {
        _cleanup_free_ char *starts = NULL, *sizes = NULL;
        _cleanup_fd_ int fd = kho_open(root);
        int r;

        if (fd < 0)
                return fd;
        r = read_file_at(fd, "scratch_phys", LIST_BYTES_MAX, &starts, NULL);
        if (r >= 0)
                r = read_file_at(fd, "scratch_len", LIST_BYTES_MAX, &sizes, NULL);
        if (r < 0)
                return r == -ENOMEM ? r : -ENODATA;
        return scratch_areas_parse(starts, sizes, ret, ret_n);
}
