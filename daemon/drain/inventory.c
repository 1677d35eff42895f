/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drain/inventory-internal.h"

int inventory_add(Inventory *inventory, const Device *device) {
        Device *grown = reallocarray(inventory->devices, inventory->n + 1, sizeof(*grown));

        if (!grown)
                return -ENOMEM;
        inventory->devices = grown;
        grown[inventory->n++] = *device;
        return 0;
}

static int device_compare(const void *pa, const void *pb) {
        const Device *a = pa, *b = pb;

        return a->bus != b->bus ? (int) a->bus - (int) b->bus : strcmp(a->address, b->address);
}

static int root_open(const char *root, const char *path) {
        _cleanup_free_ char *full = NULL;
        int fd;

        if (asprintf(&full, "%s%s", root, path) < 0) {
                full = NULL;
                return -ENOMEM;
        }
        fd = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

static void reading_done(Reading *reading) {
        blocks_free(reading);
        netdevs_free(reading);
        mounts_freep(&reading->mounts);
        inventory_free(reading->inventory);
        fd_close(reading->sys_fd);
        fd_close(reading->proc_fd);
}

static int devices_read(Reading *reading) {
        Inventory *inventory = reading->inventory;
        int r = pci_functions_read(reading->sys_fd, inventory);

        if (r >= 0)
                r = other_buses_read(reading->sys_fd, inventory);
        if (r >= 0 && inventory->n > 0)
                qsort(inventory->devices, inventory->n, sizeof(*inventory->devices), device_compare);
        return r;
}

static int reading_run(Reading *reading, const WorkloadProcess *workloads, size_t n_workloads) {
        int (*const steps[])(Reading *) = { devices_read, netdevs_read, interfaces_attach, blocks_read, blocks_attach,
                                            mounts_attach };

        for (size_t i = 0; i < ELEMENTSOF(steps); i++) {
                int r = steps[i](reading);

                if (r < 0)
                        return r;
        }
        return users_read(reading, workloads, n_workloads);
}

int inventory_read(const char *root, const WorkloadProcess *workloads, size_t n_workloads, Inventory **ret) {
        _cleanup_(reading_done) Reading reading = {
                .sys_fd = root_open(root, "/sys"),
                .proc_fd = root_open(root, "/proc"),
                .inventory = calloc(1, sizeof(*reading.inventory)),
        };
        int r;

        if (!reading.inventory)
                return -ENOMEM;
        if (reading.sys_fd < 0)
                return reading.sys_fd;
        if (reading.proc_fd < 0)
                return reading.proc_fd;
        r = reading_run(&reading, workloads, n_workloads);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(reading.inventory);
        return 0;
}

void device_done(Device *device) {
        free(device->address);
        free(device->driver);
        free(device->parent);
        for (size_t i = 0; i < device->n_interfaces; i++) {
                free(device->interfaces[i].name);
                strings_free(device->interfaces[i].uppers);
        }
        free(device->interfaces);
        strings_free(device->blocks);
        strings_free(device->mounts);
        for (size_t i = 0; i < device->n_users; i++)
                free(device->users[i].workload);
        free(device->users);
        *device = (Device) {};
}

Inventory *inventory_free(Inventory *inventory) {
        if (!inventory)
                return NULL;
        for (size_t i = 0; i < inventory->n; i++)
                device_done(&inventory->devices[i]);
        free(inventory->devices);
        free(inventory);
        return NULL;
}

const Device *inventory_find(const Inventory *inventory, const char *address) {
        for (size_t i = 0; i < inventory->n; i++)
                if (strcmp(inventory->devices[i].address, address) == 0)
                        return &inventory->devices[i];
        return NULL;
}

static Device *find_component(const Inventory *inventory, const char *name, size_t length) {
        for (size_t i = 0; i < inventory->n; i++) {
                Device *device = &inventory->devices[i];

                if (strlen(device->address) == length && memcmp(device->address, name, length) == 0)
                        return device;
        }
        return NULL;
}

Device *inventory_find_in_path(const Inventory *inventory, const char *path) {
        const char *last = NULL;
        Device *found = NULL;

        if (strncmp(path, SYSFS_VIRTUAL, strlen(SYSFS_VIRTUAL)) == 0)
                return NULL;
        for (const char *p = path; *p; p += strspn(p, "/")) {
                size_t length = strcspn(p, "/");

                if (is_pci_address(p, length))
                        last = p;
                p += length;
        }
        if (last) /* and not its bridge, if it is gone */
                return find_component(inventory, last, strcspn(last, "/"));
        for (const char *p = path; *p; p += strspn(p, "/")) {
                Device *device = find_component(inventory, p, strcspn(p, "/"));

                found = device ?: found;
                p += strcspn(p, "/");
        }
        return found;
}

const DeviceUser *device_vfio_user(const Device *device) {
        for (size_t i = 0; i < device->n_users; i++)
                if (device->users[i].use == USE_VFIO)
                        return &device->users[i];
        return NULL;
}

static bool is_needed_itself(const Device *device) {
        for (size_t i = 0; i < device->n_users; i++)
                if (device->users[i].workload)
                        return true;
        return device->has_root || device->has_swap || device->has_network_disk || device->has_network_mount;
}

bool device_is_needed(const Inventory *inventory, const Device *device) {
        if (is_needed_itself(device))
                return true;
        for (size_t i = 0; device->n_virtual > 0 && i < inventory->n; i++) {
                const Device *child = &inventory->devices[i];

                if (child->parent && strcmp(child->parent, device->address) == 0 && is_needed_itself(child))
                        return true;
        }
        return false;
}
