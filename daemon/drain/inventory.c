/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/json.h"
#include "drain/drain.h"

static int device_read(int device_fd, const char *address, Device *ret) {
        unsigned char config[64];
        _cleanup_fd_ int config_fd = openat(device_fd, "config", O_RDONLY | O_CLOEXEC);
        char driver[256];
        ssize_t n;

        if (config_fd < 0)
                return -errno;
        n = pread(config_fd, config, sizeof(config), 0);
        if (n < (ssize_t) sizeof(config))
                return n < 0 ? -errno : -EIO;

        *ret = (Device) {
                .address = strdup(address),
                .is_bridge = config[PCI_CLASS_DEVICE + 1] == 0x06, /* PCI_BASE_CLASS_BRIDGE */
                .bus_master = config[PCI_COMMAND] & PCI_COMMAND_MASTER,
        };
        n = readlinkat(device_fd, "driver", driver, sizeof(driver) - 1);
        if (n > 0) {
                driver[n] = 0;
                ret->driver = strdup(strrchr(driver, '/') ? strrchr(driver, '/') + 1 : driver);
        }
        return ret->address ? 0 : -ENOMEM;
}

int inventory_read(Inventory **ret) {
        _cleanup_(inventory_freep) Inventory *inventory = calloc(1, sizeof(*inventory));
        _cleanup_closedir_ DIR *dir = opendir("/sys/bus/pci/devices");

        if (!inventory)
                return -ENOMEM;
        if (!dir && errno != ENOENT)
                return -errno;

        for (struct dirent *d; dir && (d = readdir(dir));) {
                _cleanup_fd_ int device_fd = -EBADF;
                Device *grown;
                int r;

                if (d->d_name[0] == '.')
                        continue;
                grown = reallocarray(inventory->devices, inventory->n + 1, sizeof(*grown));
                if (!grown)
                        return -ENOMEM;
                inventory->devices = grown;

                device_fd = openat(dirfd(dir), d->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (device_fd < 0) /* unplugged meanwhile */
                        continue;
                r = device_read(device_fd, d->d_name, &grown[inventory->n]);
                if (r == -ENOENT || r == -ENODEV)
                        continue;
                if (r < 0)
                        return r;
                inventory->n++;
        }

        *ret = TAKE_PTR(inventory);
        return 0;
}

Inventory *inventory_free(Inventory *inventory) {
        if (!inventory)
                return NULL;
        for (size_t i = 0; i < inventory->n; i++) {
                free(inventory->devices[i].address);
                free(inventory->devices[i].driver);
        }
        free(inventory->devices);
        free(inventory);
        return NULL;
}

json_object *inventory_to_json(const Inventory *inventory) {
        _cleanup_json_ json_object *list = json_object_new_array();

        for (size_t i = 0; list && i < inventory->n; i++) {
                const Device *device = &inventory->devices[i];
                _cleanup_json_ json_object *o = NULL;

                if (device->is_bridge)
                        continue;
                o = json_object_new_object();
                if (!o || json_add_string(o, "address", device->address) < 0 ||
                                json_add_string(o, "driver", device->driver) < 0 ||
                                json_add_string(o, "policy", "keep") < 0 ||
                                json_add_bool(o, "busMaster", device->bus_master) < 0 ||
                                json_object_array_add(list, json_object_get(o)) < 0)
                        return NULL;
        }
        return TAKE_PTR(list);
}
