/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <mntent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "basic/log.h"
#include "host/filesystems.h"

struct FrozenFilesystems {
        int *fds; /* of mount points, in order of freezing */
        size_t n;
};

typedef struct Mount {
        char *path;
        dev_t dev;
} Mount;

typedef struct Mounts {
        Mount *items;
        size_t n;
} Mounts;

static void mounts_done(Mounts *mounts) {
        for (size_t i = 0; i < mounts->n; i++)
                free(mounts->items[i].path);
        free(mounts->items);
}

static bool mounts_have(const Mounts *mounts, dev_t dev) {
        for (size_t i = 0; i < mounts->n; i++)
                if (mounts->items[i].dev == dev)
                        return true;
        return false;
}

static int mounts_append(Mounts *mounts, const char *path, dev_t dev) {
        Mount *grown = reallocarray(mounts->items, mounts->n + 1, sizeof(*grown));

        if (!grown)
                return -ENOMEM;
        mounts->items = grown;
        grown[mounts->n] = (Mount) { .path = strdup(path), .dev = dev };
        if (!grown[mounts->n].path)
                return -ENOMEM;
        mounts->n++;
        return 0;
}

/* One mount point for each writable block device, in mount order. Anonymous devices (major 0) are tmpfs and the like,
 * but also btrfs: there the source is a block device. */
static int mounts_read(Mounts *mounts) {
        struct mntent *entry;
        FILE *table;
        int r = 0;

        table = setmntent("/proc/self/mounts", "re");
        if (!table)
                return -errno;
        while (r >= 0 && (entry = getmntent(table))) {
                struct stat source, target;

                if (entry->mnt_fsname[0] != '/' || !hasmntopt(entry, "rw") ||
                                stat(entry->mnt_fsname, &source) < 0 || !S_ISBLK(source.st_mode) ||
                                stat(entry->mnt_dir, &target) < 0 || mounts_have(mounts, target.st_dev))
                        continue;
                r = mounts_append(mounts, entry->mnt_dir, target.st_dev);
        }
        endmntent(table);
        return r;
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

int filesystems_freeze(FrozenFilesystems **ret) {
        _cleanup_(frozen_filesystems_thawp) FrozenFilesystems *frozen = calloc(1, sizeof(*frozen));
        _cleanup_(mounts_done) Mounts mounts = {};
        int r;

        if (!frozen)
                return -ENOMEM;
        r = mounts_read(&mounts);
        if (r < 0)
                return r;
        frozen->fds = calloc(mounts.n ?: 1, sizeof(int));
        if (!frozen->fds)
                return -ENOMEM;

        for (size_t i = mounts.n; i-- > 0;) {
                r = filesystem_freeze(mounts.items[i].path, &frozen->fds[frozen->n]);
                if (r < 0)
                        return r;
                frozen->n += (size_t) r;
        }

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
