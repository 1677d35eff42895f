/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A VFIO device is held by an fd of its own character device, or by an anonymous one got from its group. Which device
 * that is, fdinfo tells in newer kernels (drivers/vfio/vfio_main.c:vfio_device_show_fdinfo()); elsewhere a character
 * device's number does, and of a group, all devices count. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "basic/io.h"
#include "drain/inventory-internal.h"

#define ANONYMOUS "anon_inode:[vfio-device]" /* drivers/vfio/group.c:vfio_device_open_file() */

void vfio_files_done(VfioFiles *files) {
        free(files->fds);
        free(files->groups);
}

static int numbers_add(int **numbers, size_t *n, int number) {
        int *grown = reallocarray(*numbers, *n + 1, sizeof(**numbers));

        if (!grown)
                return -ENOMEM;
        *numbers = grown;
        grown[(*n)++] = number;
        return 0;
}

int character_path(const Reading *reading, dev_t rdev, char **ret) {
        char path[64];

        snprintf(path, sizeof(path), "dev/char/%u:%u", major(rdev), minor(rdev));
        return sysfs_link_read(reading->sys_fd, path, ret);
}

static Device *device_from_fdinfo(const Reading *reading, const Process *process, const char *number) {
        _cleanup_free_ char *path = NULL, *text = NULL, *syspath = NULL;

        if (asprintf(&path, "fdinfo/%s", number) < 0) {
                path = NULL;
                return NULL;
        }
        if (read_file_at(process->process_fd, path, PROC_TEXT_MAX, &text, NULL) < 0 ||
                        line_get(text, "vfio-device-syspath", &syspath) < 0)
                return NULL;
        return inventory_find_in_path(reading->inventory, syspath);
}

/* Of a group's or a device's character device. The name alone would not do: anybody can have a file of that name. */
static int look_at_character(Reading *reading, const Process *process, int fds_fd, const char *number,
                VfioFiles *files) {
        _cleanup_free_ char *path = NULL;
        const char *group;
        Device *device;
        FileFacts facts;
        int r;

        if (process_fd_look(fds_fd, number, &facts) < 0 || !S_ISCHR(facts.mode))
                return 0;
        r = character_path(reading, facts.rdev, &path);
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        if (strstr(path, "/vfio-dev/")) {
                device = inventory_find_in_path(reading->inventory, path);
                return device ? device_add_user(device, process, USE_VFIO, atoi(number)) : 0;
        }
        group = strstr(path, "/virtual/vfio/");
        if (!group)
                return 0;
        group += strcspn(group, "0123456789"); /* noiommu-7 */
        return *group ? numbers_add(&files->groups, &files->n_groups, atoi(group)) : 0;
}

int vfio_look(Reading *reading, const Process *process, int fds_fd, const char *number, const char *target,
                VfioFiles *files) {
        Device *device;

        if (strcmp(target, ANONYMOUS) != 0)
                return target[0] == '/' && strstr(target, "/vfio/")
                                ? look_at_character(reading, process, fds_fd, number, files) : 0;
        device = device_from_fdinfo(reading, process, number);
        return device ? device_add_user(device, process, USE_VFIO, atoi(number))
                      : numbers_add(&files->fds, &files->n_fds, atoi(number));
}

static bool is_candidate(const Device *device, const VfioFiles *files) {
        if (!device->driver || !strstr(device->driver, "vfio"))
                return false;
        for (size_t i = 0; i < files->n_groups; i++)
                if (device->iommu_group == files->groups[i])
                        return true;
        return files->n_groups == 0; /* the fd came from elsewhere */
}

int vfio_conclude(Reading *reading, const Process *process, const VfioFiles *files) {
        Inventory *inventory = reading->inventory;
        size_t n = 0;

        if (files->n_fds == 0)
                return 0;
        for (size_t i = 0; i < inventory->n; i++)
                n += is_candidate(&inventory->devices[i], files);
        for (size_t i = 0; i < inventory->n; i++) {
                int fd = n == 1 ? files->fds[0] : -1, r;

                if (!is_candidate(&inventory->devices[i], files))
                        continue;
                r = device_add_user(&inventory->devices[i], process, USE_VFIO, fd);
                if (r < 0)
                        return r;
        }
        return 0;
}
