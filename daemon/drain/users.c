/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One pass over all processes: VFIO of all, everything of workloads. */

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drain/inventory-internal.h"

int device_add_user(Device *device, const Process *process, DeviceUse use, int vfio_fd) {
        DeviceUser *grown, user = { .pid = process->pid, .use = use, .vfio_fd = vfio_fd };

        for (size_t i = 0; i < device->n_users; i++)
                if (device->users[i].pid == process->pid && device->users[i].use == use)
                        return 0;
        grown = reallocarray(device->users, device->n_users + 1, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        device->users = grown;
        memcpy(user.comm, process->comm, sizeof(user.comm));
        user.workload = process->workload ? strdup(process->workload) : NULL;
        if (process->workload && !user.workload)
                return -ENOMEM;
        grown[device->n_users++] = user;
        return 0;
}

/* -ENOENT, -ESRCH: it ended. */
static int process_files_read(Reading *reading, const Process *process, VfioFiles *files, Usage *usage) {
        _cleanup_closedir_ DIR *dir = dir_open_at(process->process_fd, "fd");

        if (!dir)
                return -errno;
        for (struct dirent *d; (d = dir_next(dir));) {
                char target[SYSFS_TEXT_MAX + 1];
                ssize_t n = readlinkat(dirfd(dir), d->d_name, target, sizeof(target) - 1);
                int r;

                if (n < 0)
                        continue;
                target[n] = 0;
                r = vfio_look(reading, process, dirfd(dir), d->d_name, target, files);
                if (r >= 0 && usage)
                        r = usage_look(reading, usage, dirfd(dir), d->d_name, target);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int stranger_read(Reading *reading, const Process *process) {
        _cleanup_(vfio_files_done) VfioFiles files = {};
        int r = process_files_read(reading, process, &files, NULL);

        return r < 0 ? r : vfio_conclude(reading, process, &files);
}

static int workload_read(Reading *reading, const Process *process) {
        _cleanup_(vfio_files_done) VfioFiles files = {};
        _cleanup_(usage_done) Usage usage = {};
        int r = usage_new(reading, process, &usage);

        if (r >= 0)
                r = process_files_read(reading, process, &files, &usage);
        if (r == -EACCES || r == -EPERM) {
                usage_is_unknown(reading, &usage);
                r = 0;
        }
        if (r >= 0)
                r = usage_look_at_maps(reading, &usage);
        if (r >= 0)
                r = usage_conclude(reading, &usage);
        return r < 0 ? r : vfio_conclude(reading, process, &files);
}

static int process_read(Reading *reading, const char *pid, const WorkloadProcess *workloads, size_t n_workloads) {
        _cleanup_fd_ int fd = openat(reading->proc_fd, pid, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        Process process = { .pid = (pid_t) strtol(pid, NULL, 10), .process_fd = fd };
        _cleanup_free_ char *comm = NULL;

        if (fd < 0)
                return -errno;
        if (attribute_read(fd, "comm", &comm) >= 0)
                snprintf(process.comm, sizeof(process.comm), "%s", comm);
        for (size_t i = 0; i < n_workloads; i++)
                if (workloads[i].pid == process.pid)
                        process.workload = workloads[i].name;
        return process.workload ? workload_read(reading, &process) : stranger_read(reading, &process);
}

/* In a group, all have the user's domain while one is held: drivers/iommu/iommu.c:__iommu_take_dma_ownership(). */
static void groups_are_translated(Inventory *inventory) {
        for (size_t i = 0; i < inventory->n; i++) {
                const Device *held = &inventory->devices[i];

                if (!device_vfio_user(held) || held->iommu_group < 0 || held->translation == TRANSLATION_NONE)
                        continue;
                for (size_t j = 0; j < inventory->n; j++)
                        if (inventory->devices[j].iommu_group == held->iommu_group)
                                inventory->devices[j].translation = TRANSLATION_TRANSLATED;
        }
}

int users_read(Reading *reading, const WorkloadProcess *workloads, size_t n_workloads) {
        _cleanup_closedir_ DIR *dir = dir_open_at(reading->proc_fd, ".");

        if (!dir)
                return -errno;
        for (struct dirent *d; (d = dir_next(dir));) {
                int r = isdigit((unsigned char) d->d_name[0])
                                ? process_read(reading, d->d_name, workloads, n_workloads) : 0;

                if (r < 0 && r != -ENOENT && r != -ESRCH && r != -EACCES && r != -EPERM)
                        return r;
        }
        groups_are_translated(reading->inventory);
        return 0;
}
