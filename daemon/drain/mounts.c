/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What file systems and swap areas are on which devices. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "drain/inventory-internal.h"

/* Pseudo file systems of libmount's that have a disk or another machine behind them all the same. */
static bool is_memory(Mount *mount) {
        static const char *const others[] = { "overlay", "virtiofs", "vboxsf", "zfs", "fuse" };
        const char *type = mnt_fs_get_fstype(mount);

        if (!type || !mnt_fs_is_pseudofs(mount))
                return false;
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                if (strcmp(type, others[i]) == 0)
                        return false;
        return strncmp(type, "fuse.", 5) != 0;
}

/* All devices of the btrfs that `block` is one of. */
static int collect_btrfs_member(Reading *reading, int btrfs_fd, const char *id, const Block *block, DeviceSet *set) {
        _cleanup_free_ char *path = NULL, *member = NULL;
        _cleanup_closedir_ DIR *dir = NULL;

        if (asprintf(&path, "%s/devices", id) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        if (asprintf(&member, "%s/%s", path, block->name) < 0) {
                member = NULL;
                return -ENOMEM;
        }
        if (faccessat(btrfs_fd, member, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
                return 0;
        dir = dir_open_at(btrfs_fd, path);
        if (!dir)
                return 0;
        for (struct dirent *d; (d = dir_next(dir));) {
                Block *other = block_find(reading, d->d_name);
                int r = other ? block_collect(reading, other, set) : 0;

                if (r < 0)
                        return r;
        }
        return 0;
}

static int collect_btrfs(Reading *reading, const Block *block, DeviceSet *set) {
        _cleanup_closedir_ DIR *dir = dir_open_at(reading->sys_fd, "fs/btrfs");
        int r = 0;

        for (struct dirent *d; r >= 0 && dir && (d = dir_next(dir));)
                r = collect_btrfs_member(reading, dirfd(dir), d->d_name, block, set);
        return r;
}

/* bcachefs names all its devices, with colons between. */
static int collect_sources(Reading *reading, const char *sources, DeviceSet *set) {
        _cleanup_free_ char *copy = strdup(sources);
        char *state, *source;

        if (!copy)
                return -ENOMEM;
        for (source = strtok_r(copy, ":", &state); source; source = strtok_r(NULL, ":", &state)) {
                Block *block = block_find_path(reading, source);
                int r = 0;

                if (!block)
                        set->is_on_unknown = true;
                else {
                        r = block_collect(reading, block, set);
                        if (r >= 0)
                                r = collect_btrfs(reading, block, set);
                }
                if (r < 0)
                        return r;
        }
        return 0;
}

int mount_collect(Reading *reading, Mount *mount, DeviceSet *set) {
        const char *source = mnt_fs_get_srcpath(mount);
        dev_t dev = mnt_fs_get_devno(mount);

        if (major(dev) != 0)
                return block_collect_dev(reading, dev, set);
        if (is_memory(mount))
                return 0;
        if (mnt_fs_is_netfs(mount))
                set->is_on_network = true;
        else if (source && strncmp(source, "/dev/", 5) == 0)
                return collect_sources(reading, source, set);
        else
                set->is_on_unknown = true;
        return 0;
}

/* The latest of those it is below. By name alone: mnt_table_find_mountpoint() asks the file system, which may be of
 * another machine. */
int path_collect(Reading *reading, const char *path, DeviceSet *set) {
        _cleanup_free_ char *directory = strdup(path);
        Mount *mount = NULL;

        if (!directory)
                return -ENOMEM;
        while (!mount && directory[0] == '/') {
                char *slash = strrchr(directory, '/');

                mount = mnt_table_find_target(reading->mounts, directory, MNT_ITER_BACKWARD);
                if (slash == directory && !slash[1])
                        break;
                slash[slash == directory] = 0;
        }
        if (mount)
                return mount_collect(reading, mount, set);
        set->is_on_unknown = true;
        return 0;
}

/* Without these nothing runs on. */
static bool is_system(Mount *mount) {
        return mnt_fs_match_target(mount, "/", NULL) || mnt_fs_match_target(mount, "/usr", NULL);
}

static bool is_covered(Mounts *mounts, Mount *mount) {
        return mnt_table_find_target(mounts, mnt_fs_get_target(mount), MNT_ITER_BACKWARD) != mount;
}

/* Whether it stands for its file system: the first that nothing is mounted upon; for lack of one, the first. */
static bool is_representative(Mounts *mounts, Mount *mount) {
        struct libmnt_iter *iterator = mnt_new_iter(MNT_ITER_FORWARD);
        Mount *other, *chosen = NULL;

        if (!iterator)
                return true;
        while (mnt_table_next_fs(mounts, iterator, &other) == 0) {
                if (mnt_fs_get_devno(other) != mnt_fs_get_devno(mount))
                        continue;
                chosen = chosen ?: other;
                if (is_covered(mounts, other))
                        continue;
                chosen = other;
                break;
        }
        mnt_free_iter(iterator);
        return chosen == mount;
}

static void network_note(Reading *reading, Mount *mount) {
        if (mnt_fs_is_netfs(mount))
                reading->has_network_mount = true;
        else
                reading->has_network_disk = true;
}

static int mount_attach(Reading *reading, Mount *mount) {
        _cleanup_(device_set_done) DeviceSet below = {};
        bool system = is_system(mount), named;
        int r;

        if (is_memory(mount))
                return 0;
        named = is_representative(reading->mounts, mount);
        if (!system && !named)
                return 0;
        r = device_set_new(reading, &below);
        if (r >= 0)
                r = mount_collect(reading, mount, &below);
        if (r >= 0 && below.is_on_network)
                network_note(reading, mount);
        for (size_t i = 0; r >= 0 && named && i < reading->inventory->n; i++)
                if (below.members[i])
                        r = strings_add(&reading->inventory->devices[i].mounts, mnt_fs_get_target(mount));
        if (r < 0)
                return r;
        device_set_widen(reading, &below);
        for (size_t i = 0; system && i < reading->inventory->n; i++)
                reading->inventory->devices[i].has_root |= below.members[i];
        return 0;
}

static int mounts_walk(Reading *reading, Mounts *mounts, int (*func)(Reading *, Mount *)) {
        struct libmnt_iter *iterator = mnt_new_iter(MNT_ITER_FORWARD);
        Mount *mount;
        int r = 0;

        if (!iterator)
                return -ENOMEM;
        while (r >= 0 && mnt_table_next_fs(mounts, iterator, &mount) == 0)
                r = func(reading, mount);
        mnt_free_iter(iterator);
        return r;
}

static int swap_attach(Reading *reading, Mount *swap) {
        _cleanup_(device_set_done) DeviceSet below = {};
        const char *source = mnt_fs_get_srcpath(swap);
        Block *block = source ? block_find_path(reading, source) : NULL;
        int r = device_set_new(reading, &below);

        if (r >= 0)
                r = block ? block_collect(reading, block, &below) : path_collect(reading, source ?: "", &below);
        if (r < 0)
                return r;
        device_set_widen(reading, &below);
        for (size_t i = 0; i < reading->inventory->n; i++)
                reading->inventory->devices[i].has_swap |= below.members[i];
        return 0;
}

/* Whatever is mounted over the network, the same devices may be meant. */
static int network_attach(Reading *reading) {
        _cleanup_(device_set_done) DeviceSet network = {};
        int r = device_set_new(reading, &network);

        if (r < 0)
                return r;
        network.is_on_network = true;
        device_set_widen(reading, &network);
        for (size_t i = 0; i < reading->inventory->n; i++) {
                reading->inventory->devices[i].has_network_disk = network.members[i] && reading->has_network_disk;
                reading->inventory->devices[i].has_network_mount = network.members[i] && reading->has_network_mount;
        }
        return 0;
}

static int table_read(int proc_fd, const char *path, bool is_swap, Mounts **ret) {
        _cleanup_(mounts_freep) Mounts *mounts = mnt_new_table();
        char full[64];
        int r;

        if (!mounts)
                return -ENOMEM;
        snprintf(full, sizeof(full), "/proc/self/fd/%i/%s", proc_fd, path);
        r = is_swap ? mnt_table_parse_swaps(mounts, full) : mnt_table_parse_file(mounts, full);
        if (r != 0)
                return r < 0 ? r : -EIO;
        *ret = TAKE_PTR(mounts);
        return 0;
}

int mounts_read(int proc_fd, const char *path, Mounts **ret) {
        return table_read(proc_fd, path, false, ret);
}

/* A kernel without swap has no list of them. */
static int swaps_attach(Reading *reading) {
        _cleanup_(mounts_freep) Mounts *swaps = NULL;
        int r = table_read(reading->proc_fd, "swaps", true, &swaps);

        return r >= 0 ? mounts_walk(reading, swaps, swap_attach) : r == -ENOENT ? 0 : r;
}

int mounts_attach(Reading *reading) {
        int r = mounts_read(reading->proc_fd, "self/mountinfo", &reading->mounts);

        if (r >= 0)
                r = mounts_walk(reading, reading->mounts, mount_attach);
        if (r >= 0)
                r = network_attach(reading);
        return r >= 0 ? swaps_attach(reading) : r;
}
