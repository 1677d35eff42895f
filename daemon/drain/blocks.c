/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Block devices, and what hardware is below each: a partition is on its disk, device mapper, md and bcache on their
 * slaves, a loop device on a file. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "drain/inventory-internal.h"

static int block_compare(const void *pa, const void *pb) {
        const Block *a = pa, *b = pb;

        return strcmp(a->name, b->name);
}

Block *block_find(const Reading *reading, const char *name) {
        Block key = { .name = (char *) name };

        if (reading->n_blocks == 0)
                return NULL;
        return bsearch(&key, reading->blocks, reading->n_blocks, sizeof(key), block_compare);
}

static int block_read_dev(int dir_fd, const char *name, dev_t *ret) {
        _cleanup_free_ char *path = NULL, *text = NULL;
        unsigned device_major, device_minor;
        int r;

        if (asprintf(&path, "%s/dev", name) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        r = attribute_read(dir_fd, path, &text);
        if (r < 0)
                return r;
        if (sscanf(text, "%u:%u", &device_major, &device_minor) != 2)
                return -EBADMSG;
        *ret = makedev(device_major, device_minor);
        return 0;
}

static int block_read(Reading *reading, int dir_fd, const char *name) {
        Block *grown = reallocarray(reading->blocks, reading->n_blocks + 1, sizeof(*grown)), *block;
        int r;

        if (!grown)
                return -ENOMEM;
        reading->blocks = grown;
        block = &grown[reading->n_blocks];
        *block = (Block) {};
        /* A path of a multipath NVMe disk is hidden, and has no number (block/genhd.c:__add_disk()). */
        r = block_read_dev(dir_fd, name, &block->dev);
        if (r >= 0)
                r = sysfs_link_read(dir_fd, name, &block->path);
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        block->name = strdup(name);
        reading->n_blocks++;
        return block->name ? 0 : -ENOMEM;
}

int blocks_read(Reading *reading) {
        _cleanup_closedir_ DIR *dir = dir_open_at(reading->sys_fd, "class/block");

        if (!dir)
                return errno == ENOENT ? 0 : -errno;
        for (struct dirent *d; (d = dir_next(dir));) {
                int r = block_read(reading, dirfd(dir), d->d_name);

                if (r < 0)
                        return r;
        }
        if (reading->n_blocks > 0)
                qsort(reading->blocks, reading->n_blocks, sizeof(*reading->blocks), block_compare);
        return 0;
}

void blocks_free(Reading *reading) {
        for (size_t i = 0; i < reading->n_blocks; i++) {
                free(reading->blocks[i].name);
                free(reading->blocks[i].path);
        }
        free(reading->blocks);
}

/* The disk of a partition: the directory it is in. */
static Block *partition_disk(const Reading *reading, const Block *block) {
        const char *end = strrchr(block->path, '/'), *begin = end;
        char name[256];

        while (begin > block->path && begin[-1] != '/')
                begin--;
        if (!end || (size_t) (end - begin) >= sizeof(name))
                return NULL;
        snprintf(name, sizeof(name), "%.*s", (int) (end - begin), begin);
        return block_find(reading, name);
}

static DIR *block_dir(const Reading *reading, const Block *block, const char *name) {
        _cleanup_free_ char *path = NULL;

        if (asprintf(&path, "%s/%s", block->path, name) < 0) {
                path = NULL;
                errno = ENOMEM;
                return NULL;
        }
        return dir_open_at(reading->sys_fd, path);
}

/* How many there are. */
static int collect_slaves(Reading *reading, const Block *block, DeviceSet *set) {
        _cleanup_closedir_ DIR *dir = block_dir(reading, block, "slaves");
        int n = 0;

        if (!dir)
                return errno == ENOMEM ? -errno : 0;
        for (struct dirent *d; (d = dir_next(dir)); n++) {
                Block *slave = block_find(reading, d->d_name);
                int r = 0;

                if (slave)
                        r = block_collect(reading, slave, set);
                else
                        set->is_on_unknown = true;
                if (r < 0)
                        return r;
        }
        return n;
}

/* A disk with several controllers is in the directory of its subsystem, beside links to them
 * (drivers/nvme/host/core.c:nvme_init_subsystem()). How many of them are devices we know. */
static int collect_controllers(Reading *reading, const Block *block, DeviceSet *set) {
        _cleanup_free_ char *subsystem = strdup(block->path);
        _cleanup_closedir_ DIR *dir = NULL;
        int n = 0;

        if (!subsystem)
                return -ENOMEM;
        if (!strstr(subsystem, "/nvme-subsystem/"))
                return 0;
        *strrchr(subsystem, '/') = 0;
        dir = dir_open_at(reading->sys_fd, subsystem);
        if (!dir)
                return 0;
        for (struct dirent *d; (d = dir_next(dir));) {
                _cleanup_free_ char *path = NULL;
                const Device *device;

                if (sysfs_link_read(dirfd(dir), d->d_name, &path) < 0)
                        continue;
                device = inventory_find_in_path(reading->inventory, path);
                if (!device)
                        continue;
                device_set_add(reading, set, device);
                n++;
        }
        return n;
}

/* Those without hardware that does DMA: memory, a file, or what comes over the network (nbd, rbd, iSCSI, NVMe over
 * fabrics). */
static int collect_virtual(Reading *reading, const Block *block, DeviceSet *set) {
        static const char *const attributes[] = { "loop/backing_file", "backing_dev" };

        for (size_t i = 0; i < ELEMENTSOF(attributes); i++) {
                _cleanup_free_ char *attribute = NULL, *file = NULL;
                Block *backing;
                int r;

                if (asprintf(&attribute, "%s/%s", block->path, attributes[i]) < 0) {
                        attribute = NULL;
                        return -ENOMEM;
                }
                r = attribute_read(reading->sys_fd, attribute, &file);
                if (r == -ENOMEM)
                        return r;
                if (r < 0 || file[0] != '/') /* zram/backing_dev: none */
                        continue;
                backing = block_find_path(reading, file);
                return backing ? block_collect(reading, backing, set) : path_collect(reading, file, set);
        }
        if (strncmp(block->name, "loop", 4) != 0 && strncmp(block->name, "zram", 4) != 0 &&
                        strncmp(block->name, "ram", 3) != 0 && strncmp(block->name, "pmem", 4) != 0)
                set->is_on_network = true;
        return 0;
}

int block_collect(Reading *reading, Block *block, DeviceSet *set) {
        const Device *device = inventory_find_in_path(reading->inventory, block->path);
        Block *disk;
        int r;

        if (block->visit == set->visit)
                return 0;
        block->visit = set->visit;
        if (device) {
                device_set_add(reading, set, device);
                return 0;
        }
        disk = partition_disk(reading, block);
        if (disk)
                return block_collect(reading, disk, set);
        r = collect_slaves(reading, block, set);
        if (r == 0)
                r = collect_controllers(reading, block, set);
        return r == 0 ? collect_virtual(reading, block, set) : r < 0 ? r : 0;
}

int block_collect_dev(Reading *reading, dev_t dev, DeviceSet *set) {
        for (size_t i = 0; i < reading->n_blocks; i++)
                if (reading->blocks[i].dev == dev)
                        return block_collect(reading, &reading->blocks[i], set);
        set->is_on_unknown = true;
        return 0;
}

static Block *block_find_mapped(const Reading *reading, const char *name) {
        for (size_t i = 0; i < reading->n_blocks; i++) {
                _cleanup_free_ char *path = NULL, *mapped = NULL;

                if (strncmp(reading->blocks[i].name, "dm-", 3) != 0 ||
                                asprintf(&path, "%s/dm/name", reading->blocks[i].path) < 0) {
                        path = NULL;
                        continue;
                }
                if (attribute_read(reading->sys_fd, path, &mapped) >= 0 && strcmp(mapped, name) == 0)
                        return &reading->blocks[i];
        }
        return NULL;
}

Block *block_find_path(const Reading *reading, const char *path) {
        char name[256];
        struct stat st;
        Block *block;

        if (strncmp(path, "/dev/mapper/", strlen("/dev/mapper/")) == 0)
                block = block_find_mapped(reading, path + strlen("/dev/mapper/"));
        else {
                snprintf(name, sizeof(name), "%s", strncmp(path, "/dev/", 5) == 0 ? path + 5 : "");
                for (char *p = name; (p = strchr(p, '/'));)
                        *p = '!';
                block = block_find(reading, name);
        }
        if (block || strncmp(path, "/dev/", 5) != 0 || stat(path, &st) < 0 || !S_ISBLK(st.st_mode))
                return block;
        for (size_t i = 0; i < reading->n_blocks; i++)
                if (reading->blocks[i].dev == st.st_rdev)
                        return &reading->blocks[i];
        return NULL;
}
