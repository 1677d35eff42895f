/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Platform devices that do DMA, as far as can be told: those behind an IOMMU, and those below which there is something
 * that is known to. What is below a PCI function works by that. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drain/inventory-internal.h"

#define PLATFORM "bus/platform/devices"

static int platform_add(int sys_fd, Inventory *inventory, int dir_fd, const char *name, bool is_known_to) {
        _cleanup_(device_done) Device device = { .bus = BUS_PLATFORM };
        _cleanup_fd_ int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r;

        if (fd < 0)
                return errno == ENOENT || errno == ENODEV ? 0 : -errno;
        r = link_read_name(fd, "driver", &device.driver);
        if (r >= 0)
                r = device_read_iommu(sys_fd, fd, &device);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        if (strcmp(device.driver, "virtio-mmio") == 0)
                device.bus = BUS_VIRTIO_MMIO;
        else if (!is_known_to && device.iommu_group < 0)
                return 0;
        device.address = strdup(name);
        if (!device.address)
                return -ENOMEM;
        r = inventory_add(inventory, &device);
        if (r >= 0)
                device = (Device) {};
        return r;
}

static bool has_pci_function(const char *path) {
        for (const char *p = path; *p; p += strspn(p, "/")) {
                if (is_pci_address(p, strcspn(p, "/")))
                        return true;
                p += strcspn(p, "/");
        }
        return false;
}

/* The platform device nearest to the end of the path. */
static int platform_add_of_path(int sys_fd, Inventory *inventory, int platform_fd, char *path) {
        char *slash;

        while ((slash = strrchr(path, '/'))) {
                if (faccessat(platform_fd, slash + 1, F_OK, 0) >= 0)
                        return inventory_find(inventory, slash + 1)
                                        ? 0 : platform_add(sys_fd, inventory, platform_fd, slash + 1, true);
                *slash = 0;
        }
        return 0;
}

static int class_read(int sys_fd, Inventory *inventory, int platform_fd, const char *class) {
        _cleanup_closedir_ DIR *dir = dir_open_at(sys_fd, class);
        bool is_usb = strcmp(class, "bus/usb/devices") == 0;
        int r = 0;

        for (struct dirent *d; r >= 0 && dir && (d = dir_next(dir));) {
                _cleanup_free_ char *path = NULL;

                if (is_usb && strncmp(d->d_name, "usb", 3) != 0)
                        continue;
                if (sysfs_link_read(dirfd(dir), d->d_name, &path) < 0 || has_pci_function(path) ||
                                strncmp(path, SYSFS_VIRTUAL, strlen(SYSFS_VIRTUAL)) == 0)
                        continue;
                r = platform_add_of_path(sys_fd, inventory, platform_fd, path);
        }
        return r;
}

int other_buses_read(int sys_fd, Inventory *inventory) {
        static const char *const classes[] = { "class/net",      "class/block",    "class/scsi_host", "class/ata_port",
                                               "class/mmc_host", "bus/usb/devices", "class/dma" };
        _cleanup_closedir_ DIR *dir = dir_open_at(sys_fd, PLATFORM);
        int r = 0;

        if (!dir)
                return errno == ENOENT ? 0 : -errno;
        for (struct dirent *d; r >= 0 && (d = dir_next(dir));)
                r = platform_add(sys_fd, inventory, dirfd(dir), d->d_name, false);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(classes); i++)
                r = class_read(sys_fd, inventory, dirfd(dir), classes[i]);
        return r;
}
