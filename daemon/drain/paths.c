/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A device in sysfs. */

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "basic/io.h"
#include "drain/drain-internal.h"

void device_path(const DrainDevice *d, const char *file, char ret[DRAIN_PATH_MAX]) {
        snprintf(ret, DRAIN_PATH_MAX, "%s/sys/bus/pci/devices/%s/%s", d->capture->setup->root,
                        d->device->address, file);
}

void driver_path(const DrainDevice *d, const char *file, char ret[DRAIN_PATH_MAX]) {
        snprintf(ret, DRAIN_PATH_MAX, "%s/sys/bus/pci/drivers/%s/%s", d->capture->setup->root,
                        d->device->driver, file);
}

void device_bound_driver(const DrainDevice *d, char ret[DRAIN_PATH_MAX]) {
        char path[DRAIN_PATH_MAX], target[DRAIN_PATH_MAX];
        const char *slash;
        ssize_t n;

        device_path(d, "driver", path);
        n = readlink(path, target, sizeof(target) - 1);
        target[n > 0 ? n : 0] = 0;
        slash = strrchr(target, '/');
        snprintf(ret, DRAIN_PATH_MAX, "%s", slash ? slash + 1 : target);
}

/* drivers/base/bus.c:driver_override_show() prints a null pointer where there is none. */
int device_driver_override(const DrainDevice *d, char **ret) {
        _cleanup_free_ char *text = NULL;
        char path[DRAIN_PATH_MAX];
        int r;

        device_path(d, "driver_override", path);
        r = read_file_at(AT_FDCWD, path, DRAIN_PATH_MAX, &text, NULL);
        if (r >= 0) {
                text[strcspn(text, "\n")] = 0;
                if (strcmp(text, "(null)") == 0)
                        text[0] = 0;
        } else if (r == -ENOENT || r == -ENODEV)
                text = strdup("");
        else
                return r;
        if (!text)
                return -ENOMEM;
        *ret = TAKE_PTR(text);
        return 0;
}

bool device_is_gone(const DrainDevice *d, int config_fd) {
        char path[DRAIN_PATH_MAX];
        PciState state;

        device_path(d, "config", path);
        return (access(path, F_OK) < 0 && (errno == ENOENT || errno == ENODEV)) ||
                        (config_fd >= 0 && pci_state_read(config_fd, 0, &state) >= 0 && state.is_gone);
}

int config_set_bus_master(int config_fd, bool is_on) {
        uint16_t command;
        ssize_t n;

        n = pread(config_fd, &command, sizeof(command), PCI_COMMAND);
        if (n != sizeof(command))
                return n < 0 ? -errno : -ENODEV;
        if (command == UINT16_MAX)
                return -ENODEV;
        if (!!(le16toh(command) & PCI_COMMAND_MASTER) == is_on)
                return 0;
        command ^= htole16(PCI_COMMAND_MASTER);
        n = pwrite(config_fd, &command, sizeof(command), PCI_COMMAND);
        if (n != sizeof(command))
                return n < 0 ? -errno : -EIO;
        return 0;
}
