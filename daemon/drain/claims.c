/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whether a disk is part of something that the table of mounts does not show: md, device mapper or bcache, mounted or
 * not, a file system of several disks. Unbound, it would be missing there, and would not come back by itself. */

#include <stdio.h>
#include <string.h>

#include "drain/drain-internal.h"

static bool exists(const char *path) {
        return access(path, F_OK) >= 0;
}

static bool is_dir_empty(const char *path) {
        _cleanup_closedir_ DIR *dir = opendir(path);
        struct dirent *entry = NULL;

        while (dir && (entry = readdir(dir)) && entry->d_name[0] == '.')
                ;
        return !entry;
}

/* `of` takes a name of /sys/class/block. */
static bool is_any_part(const char *root, const char *disk, bool (*of)(const char *root, const char *name)) {
        char path[DRAIN_PATH_MAX];
        _cleanup_closedir_ DIR *dir = NULL;

        if (of(root, disk))
                return true;
        snprintf(path, sizeof(path), "%s/sys/class/block/%s", root, disk);
        dir = opendir(path);
        for (struct dirent *entry; dir && (entry = readdir(dir));) {
                if (strncmp(entry->d_name, disk, strlen(disk)) != 0) /* partitions have its name before theirs */
                        continue;
                if (of(root, entry->d_name))
                        return true;
        }
        return false;
}

static bool has_holders(const char *root, const char *name) {
        char path[DRAIN_PATH_MAX];

        snprintf(path, sizeof(path), "%s/sys/class/block/%s/holders", root, name);
        return !is_dir_empty(path);
}

/* fs/btrfs/sysfs.c: devices/NAME of each file system that is mounted. */
static bool is_in_btrfs(const char *root, const char *name) {
        char path[DRAIN_PATH_MAX];
        _cleanup_closedir_ DIR *dir = NULL;
        bool is_in = false;

        snprintf(path, sizeof(path), "%s/sys/fs/btrfs", root);
        dir = opendir(path);
        for (struct dirent *entry; dir && !is_in && (entry = readdir(dir));) {
                snprintf(path, sizeof(path), "%s/sys/fs/btrfs/%s/devices/%s", root, entry->d_name, name);
                is_in = entry->d_name[0] != '.' && exists(path);
        }
        return is_in;
}

/* Those that say nothing of their disks in sysfs. */
static bool has_silent_filesystem(const char *root) {
        static const char *const paths[] = { "/sys/module/zfs", "/sys/fs/bcachefs" };
        char path[DRAIN_PATH_MAX];

        for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
                snprintf(path, sizeof(path), "%s%s", root, paths[i]);
                if (exists(path))
                        return true;
        }
        return false;
}

bool device_is_claimed(const char *root, const Device *device) {
        for (char **disk = device->blocks; disk && *disk; disk++)
                if (has_silent_filesystem(root) || is_any_part(root, *disk, has_holders) ||
                                is_any_part(root, *disk, is_in_btrfs))
                        return true;
        return false;
}
