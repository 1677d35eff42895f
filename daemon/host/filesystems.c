/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <libmount/libmount.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "basic/log.h"
#include "host/filesystems.h"

struct FrozenFilesystems {
        int *fds; /* of mount points, in order of freezing */
        size_t n, n_max;
};

typedef struct libmnt_table Mounts;
typedef struct libmnt_fs Mount;

static void mounts_freep(Mounts **mounts) {
        mnt_unref_table(*mounts);
}

static void mount_iterator_freep(struct libmnt_iter **iterator) {
        mnt_free_iter(*iterator);
}

/* Most block-backed file systems have the number of their device; btrfs has one of its own, and names the device as
 * its source. The root's source can be /dev/root, which is nowhere. */
static bool is_on_block_device(Mount *mount) {
        const char *source = mnt_fs_get_srcpath(mount);
        struct stat st;

        return major(mnt_fs_get_devno(mount)) != 0 || (source && stat(source, &st) >= 0 && S_ISBLK(st.st_mode));
}

static bool is_seen(dev_t dev, const dev_t *seen, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (seen[i] == dev)
                        return true;
        return false;
}

static int filesystem_freeze(const char *path, int *ret_fd) {
        _cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

        if (fd < 0)
                return -errno;
        if (ioctl(fd, FIFREEZE, 0) < 0) {
                if (errno == EBUSY) /* frozen by somebody else, who will thaw it */
                        return 0;
                if (errno != EOPNOTSUPP && errno != ENOTTY)
                        return -errno;
                log_info("%s cannot be frozen, syncing it instead.", path);
                return syncfs(fd) < 0 ? -errno : 0;
        }
        *ret_fd = TAKE_FD(fd);
        return 1;
}

static int freeze_all(Mounts *mounts, FrozenFilesystems *frozen) {
        _cleanup_(mount_iterator_freep) struct libmnt_iter *iterator = mnt_new_iter(MNT_ITER_BACKWARD);
        _cleanup_free_ dev_t *seen = calloc(frozen->n_max, sizeof(*seen));
        size_t n_seen = 0;
        Mount *mount;

        if (!iterator || !seen)
                return -ENOMEM;
        while (mnt_table_next_fs(mounts, iterator, &mount) == 0) {
                dev_t dev = mnt_fs_get_devno(mount);
                int r;

                /* ro is of the mount; what is written through another mount of the same file system counts, too. */
                if (mnt_fs_match_options(mount, "ro") || !is_on_block_device(mount) || is_seen(dev, seen, n_seen))
                        continue;
                r = filesystem_freeze(mnt_fs_get_target(mount), &frozen->fds[frozen->n]);
                if (r < 0)
                        return log_error_errno(r, "Cannot freeze %s: %m", mnt_fs_get_target(mount));
                seen[n_seen++] = dev;
                frozen->n += (size_t) r;
        }
        return 0;
}

int filesystems_freeze(FrozenFilesystems **ret) {
        _cleanup_(frozen_filesystems_thawp) FrozenFilesystems *frozen = calloc(1, sizeof(*frozen));
        _cleanup_(mounts_freep) Mounts *mounts = mnt_new_table_from_file("/proc/self/mountinfo");
        int r;

        if (!frozen || !mounts)
                return -ENOMEM;
        frozen->n_max = (size_t) mnt_table_get_nents(mounts) + 1;
        frozen->fds = calloc(frozen->n_max, sizeof(int));
        if (!frozen->fds)
                return -ENOMEM;
        r = freeze_all(mounts, frozen);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(frozen);
        return 0;
}

FrozenFilesystems *frozen_filesystems_thaw(FrozenFilesystems *frozen) {
        if (!frozen)
                return NULL;
        while (frozen->n > 0) {
                int fd = frozen->fds[--frozen->n];

                if (ioctl(fd, FITHAW, 0) < 0)
                        log_error_errno(-errno, "A file system stays frozen, use fsfreeze -u on it: %m");
                fd_close(fd);
        }
        free(frozen->fds);
        free(frozen);
        return NULL;
}

static bool filesystem_thaw(const char *path) {
        _cleanup_fd_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOCTTY);

        return fd >= 0 && ioctl(fd, FITHAW, 0) >= 0; /* EINVAL: it was not frozen */
}

void filesystems_thaw_leftover(void) {
        _cleanup_(mount_iterator_freep) struct libmnt_iter *iterator = mnt_new_iter(MNT_ITER_FORWARD);
        _cleanup_(mounts_freep) Mounts *mounts = mnt_new_table_from_file("/proc/self/mountinfo");
        Mount *mount;

        while (iterator && mounts && mnt_table_next_fs(mounts, iterator, &mount) == 0)
                if (is_on_block_device(mount) && filesystem_thaw(mnt_fs_get_target(mount)))
                        log_warning("Thawed %s, which the daemon before had left frozen.", mnt_fs_get_target(mount));
}
