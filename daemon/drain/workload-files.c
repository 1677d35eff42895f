/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a workload cannot do without, by what it has open and mapped. Where that does not tell, whatever may be meant is
 * needed: a device too many that is drained late costs milliseconds, one too few an error of a guest's disk. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "basic/io.h"
#include "drain/inventory-internal.h"

#define TUN_RDEV makedev(10, 200) /* include/linux/miscdevice.h:TUN_MINOR */

int usage_new(Reading *reading, const Process *process, Usage *ret) {
        int r;

        *ret = (Usage) { .process = process };
        r = device_set_new(reading, &ret->interfaces);
        if (r >= 0)
                r = device_set_new(reading, &ret->disks);
        if (r >= 0)
                r = device_set_new(reading, &ret->characters);
        return r;
}

void usage_done(Usage *usage) {
        mounts_freep(&usage->mounts);
        device_set_done(&usage->interfaces);
        device_set_done(&usage->disks);
        device_set_done(&usage->characters);
}

void usage_is_unknown(const Reading *reading, Usage *usage) {
        for (size_t i = 0; i < reading->inventory->n; i++)
                usage->characters.members[i] |= !reading->inventory->devices[i].is_bridge;
}

static int fdinfo_get(const Usage *usage, const char *number, const char *key, char **ret) {
        _cleanup_free_ char *path = NULL, *text = NULL;
        int r;

        if (asprintf(&path, "fdinfo/%s", number) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        r = read_file_at(usage->process->process_fd, path, PROC_TEXT_MAX, &text, NULL);
        return r < 0 ? r : line_get(text, key, ret);
}

static bool is_in_our_network(const Reading *reading, const Usage *usage) {
        _cleanup_free_ char *ours = NULL, *its = NULL;

        return link_read(reading->proc_fd, "self/ns/net", &ours) >= 0 &&
                        link_read(usage->process->process_fd, "ns/net", &its) >= 0 && strcmp(ours, its) == 0;
}

/* drivers/net/tun.c:tun_chr_show_fdinfo(); one that is attached to no interface has no name. */
static int look_at_tun(Reading *reading, Usage *usage, const char *number) {
        _cleanup_free_ char *name = NULL;
        int r = fdinfo_get(usage, number, "iff", &name);

        if (r == -ENOMEM)
                return r;
        if (r < 0 || !is_in_our_network(reading, usage))
                usage->interfaces.is_on_network = true;
        else if (*name)
                return netdev_collect(reading, name, &usage->interfaces);
        return 0;
}

/* .../net/macvtap0/macvtap/tap5 */
static int look_at_macvtap(Reading *reading, Usage *usage, const char *interface) {
        _cleanup_free_ char *name = strndup(interface, strcspn(interface, "/"));

        if (!name)
                return -ENOMEM;
        if (!is_in_our_network(reading, usage)) {
                usage->interfaces.is_on_network = true;
                return 0;
        }
        return netdev_collect(reading, name, &usage->interfaces);
}

static int look_at_character(Reading *reading, Usage *usage, const char *number, dev_t rdev) {
        _cleanup_free_ char *path = NULL;
        const Device *device;
        const char *net;
        int r;

        if (rdev == TUN_RDEV)
                return look_at_tun(reading, usage, number);
        r = character_path(reading, rdev, &path);
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        net = strstr(path, "/net/");
        if (net && strstr(net, "/tap"))
                return look_at_macvtap(reading, usage, net + strlen("/net/"));
        if (strstr(path, "/vfio-dev/")) /* vfio.c */
                return 0;
        device = inventory_find_in_path(reading->inventory, path);
        if (device)
                device_set_add(reading, &usage->characters, device);
        return 0;
}

static Mount *mount_find(Mounts *mounts, int id) {
        struct libmnt_iter *iterator = mnt_new_iter(MNT_ITER_FORWARD);
        Mount *mount, *found = NULL;

        while (!found && iterator && mounts && mnt_table_next_fs(mounts, iterator, &mount) == 0)
                if (mnt_fs_get_id(mount) == id)
                        found = mount;
        mnt_free_iter(iterator);
        return found;
}

static Mounts *own_mounts(Usage *usage) {
        if (!usage->mounts && mounts_read(usage->process->process_fd, "mountinfo", &usage->mounts) < 0)
                return NULL;
        return usage->mounts;
}

/* The numbers of mounts are the kernel's, the same in all namespaces. */
static Mount *mount_of_fd(const Reading *reading, Usage *usage, const char *number) {
        _cleanup_free_ char *text = NULL;
        Mount *mount;

        if (fdinfo_get(usage, number, "mnt_id", &text) < 0)
                return NULL;
        mount = mount_find(reading->mounts, atoi(text));
        return mount ?: mount_find(own_mounts(usage), atoi(text));
}

static int look_at_file(Reading *reading, Usage *usage, int fds_fd, const char *number, dev_t dev) {
        Mount *mount = mount_of_fd(reading, usage, number);

        if (mount)
                return mount_collect(reading, mount, &usage->disks);
        if (major(dev) != 0)
                return block_collect_dev(reading, dev, &usage->disks);
        if (!process_fd_is_in_memory(fds_fd, number)) /* of the kernel's own: memfds and the like; or detached */
                usage->disks.is_on_unknown = true;
        return 0;
}

int usage_look(Reading *reading, Usage *usage, int fds_fd, const char *number, const char *target) {
        FileFacts facts;
        int r;

        if (strncmp(target, "anon_inode:", 11) == 0 || strncmp(target, "pipe:", 5) == 0)
                return 0;
        r = process_fd_look(fds_fd, number, &facts);
        if (r == -ENOENT) /* closed meanwhile */
                return 0;
        if (r < 0) {
                usage_is_unknown(reading, usage);
                return 0;
        }
        if (S_ISCHR(facts.mode))
                return look_at_character(reading, usage, number, facts.rdev);
        if (S_ISBLK(facts.mode))
                return block_collect_dev(reading, facts.rdev, &usage->disks);
        if (S_ISREG(facts.mode) || S_ISDIR(facts.mode))
                return look_at_file(reading, usage, fds_fd, number, facts.dev);
        usage->interfaces.is_on_network |= facts.is_network_socket;
        return 0;
}

/* The kernel's own mounts, which are in no list of mounts. */
static bool is_memory_mapping(const char *name) {
        static const char *const prefixes[] = { "/memfd:", "/dev/zero ", "/SYSV", "/anon_hugepage", "/secretmem",
                                                "/dmabuf:", "/[aio]", "anon_inode:",
                                                "/ (deleted)" /* a memfd of the previous kernel's */ };

        if (name[0] != '/' && name[0] != 'a')
                return true;
        for (size_t i = 0; i < ELEMENTSOF(prefixes); i++)
                if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
                        return true;
        return false;
}

static int look_at_mapping(Reading *reading, Usage *usage, dev_t dev, const char *name) {
        Mount *mount;

        if (major(dev) != 0)
                return block_collect_dev(reading, dev, &usage->disks);
        mount = mnt_table_find_devno(reading->mounts, dev, MNT_ITER_BACKWARD);
        if (!mount && !is_memory_mapping(name) && own_mounts(usage))
                mount = mnt_table_find_devno(usage->mounts, dev, MNT_ITER_BACKWARD);
        if (mount)
                return mount_collect(reading, mount, &usage->disks);
        if (!is_memory_mapping(name))
                usage->disks.is_on_unknown = true;
        return 0;
}

/* fs/proc/task_mmu.c:show_map_vma(); a page of a file that is not in memory is read when it is touched. */
int usage_look_at_maps(Reading *reading, Usage *usage) {
        _cleanup_free_ char *maps = NULL;
        dev_t last = 0;
        char *state, *line;
        int r = read_file_at(usage->process->process_fd, "maps", PROC_TEXT_MAX, &maps, NULL);

        if (r == -ENOMEM)
                return r;
        if (r < 0 && r != -ESRCH && r != -ENOENT)
                usage_is_unknown(reading, usage);
        for (line = maps ? strtok_r(maps, "\n", &state) : NULL; line; line = strtok_r(NULL, "\n", &state)) {
                unsigned dev_major, dev_minor;
                unsigned long inode;
                int name = 0;

                if (sscanf(line, "%*x-%*x %*s %*x %x:%x %lu %n", &dev_major, &dev_minor, &inode, &name) != 3)
                        continue;
                if (inode == 0)
                        continue;
                if (dev_major != 0 && makedev(dev_major, dev_minor) == last)
                        continue;
                last = makedev(dev_major, dev_minor);
                r = look_at_mapping(reading, usage, last, line + name);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int conclude_one(Reading *reading, const Usage *usage, DeviceSet *set, DeviceUse use) {
        device_set_widen(reading, set);
        for (size_t i = 0; i < reading->inventory->n; i++) {
                int r = set->members[i] ? device_add_user(&reading->inventory->devices[i], usage->process, use, -1) : 0;

                if (r < 0)
                        return r;
        }
        return 0;
}

int usage_conclude(Reading *reading, Usage *usage) {
        int r = conclude_one(reading, usage, &usage->interfaces, USE_INTERFACE);

        if (r >= 0)
                r = conclude_one(reading, usage, &usage->disks, USE_BLOCK);
        if (r >= 0)
                r = conclude_one(reading, usage, &usage->characters, USE_CHARACTER);
        return r;
}
