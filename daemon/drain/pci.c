/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drain/inventory-internal.h"

#define BASE_CLASS_BRIDGE 0x06

/* drivers/iommu/iommu.c:iommu_group_show_type() tells of the default domain, whatever is attached at the moment; a
 * group that VFIO made for a device without IOMMU has none ("unknown"). */
static Translation translation_from_type(const char *type) {
        if (strncmp(type, "DMA", 3) == 0 || strcmp(type, "unmanaged") == 0)
                return TRANSLATION_TRANSLATED;
        if (strcmp(type, "identity") == 0)
                return TRANSLATION_IDENTITY;
        return strcmp(type, "blocked") == 0 ? TRANSLATION_BLOCKED : TRANSLATION_NONE;
}

int device_read_iommu(int sys_fd, int device_fd, Device *device) {
        _cleanup_free_ char *group = NULL, *type = NULL, *path = NULL;
        int r = link_read_name(device_fd, "iommu_group", &group);

        device->iommu_group = -1;
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        device->iommu_group = (int) strtol(group, NULL, 10);
        if (asprintf(&path, "kernel/iommu_groups/%s/type", group) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        r = attribute_read(sys_fd, path, &type);
        if (r >= 0)
                device->translation = translation_from_type(type);
        return r == -ENOMEM ? r : 0;
}

/* Links that need not be there. */
static int read_links(int device_fd, Device *device) {
        int r = link_read_name(device_fd, "driver", &device->driver);

        if (r >= 0 || r == -ENOENT)
                r = link_read_name(device_fd, "physfn", &device->parent);
        return r == -ENOENT ? 0 : r;
}

/* From sysfs: a virtual function's configuration space does not tell. */
static int read_ids(int device_fd, Device *device) {
        unsigned long class_code, vendor, model;
        int r = attribute_read_number(device_fd, "class", 16, &class_code);

        if (r >= 0)
                r = attribute_read_number(device_fd, "vendor", 16, &vendor);
        if (r >= 0)
                r = attribute_read_number(device_fd, "device", 16, &model);
        if (r < 0)
                return r;
        device->class_code = class_code & 0xffffff;
        device->vendor = (uint16_t) vendor;
        device->model = (uint16_t) model;
        device->is_bridge = device->class_code >> 16 == BASE_CLASS_BRIDGE;
        return 0;
}

static int read_config(int device_fd, Device *device) {
        _cleanup_fd_ int fd = openat(device_fd, "config", O_RDONLY | O_CLOEXEC);
        unsigned char config[PCI_CFG_SPACE_SIZE];
        size_t status_offset;
        PciState state;
        ssize_t n;

        if (fd < 0)
                return -errno;
        n = pread(fd, config, sizeof(config), 0);
        if (n < 0)
                return -errno;
        pci_state_parse(config, (size_t) n, &state, &device->msi, &device->has_status, &status_offset);
        if (state.is_gone)
                return -ENODEV;
        device->bus_master = state.bus_master;
        device->is_pending = state.is_pending;
        return 0;
}

/* Kernels before 5.15 do not say by what method. */
static bool can_reset(int device_fd) {
        _cleanup_free_ char *methods = NULL;
        int r;

        if (faccessat(device_fd, "reset", F_OK, 0) < 0)
                return false;
        r = attribute_read(device_fd, "reset_method", &methods);
        return r == -ENOENT || (r >= 0 && *methods);
}

static int function_read(int sys_fd, int dir_fd, const char *address, Device *device) {
        _cleanup_fd_ int device_fd = openat(dir_fd, address, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r;

        if (device_fd < 0)
                return -errno;
        device->address = strdup(address);
        if (!device->address)
                return -ENOMEM;
        r = read_ids(device_fd, device);
        if (r >= 0)
                r = read_links(device_fd, device);
        if (r >= 0)
                r = read_config(device_fd, device);
        if (r >= 0)
                r = device_read_iommu(sys_fd, device_fd, device);
        if (r >= 0)
                device->can_reset = can_reset(device_fd);
        return r;
}

static void count_virtual(Inventory *inventory) {
        for (size_t i = 0; i < inventory->n; i++) {
                Device *parent = inventory->devices[i].parent
                                ? (Device *) inventory_find(inventory, inventory->devices[i].parent) : NULL;

                if (parent)
                        parent->n_virtual++;
        }
}

int pci_functions_read(int sys_fd, Inventory *inventory) {
        _cleanup_closedir_ DIR *dir = dir_open_at(sys_fd, "bus/pci/devices");

        if (!dir)
                return errno == ENOENT ? 0 : -errno;
        for (struct dirent *d; (d = dir_next(dir));) {
                Device device = { .bus = BUS_PCI };
                int r;

                if (!is_pci_address(d->d_name, strlen(d->d_name)))
                        continue;
                r = function_read(sys_fd, dirfd(dir), d->d_name, &device);
                if (r >= 0)
                        r = inventory_add(inventory, &device);
                if (r < 0)
                        device_done(&device);
                if (r < 0 && r != -ENOENT && r != -ENODEV && r != -ENXIO) /* unplugged meanwhile */
                        return r;
        }
        count_virtual(inventory);
        return 0;
}
