/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "drain/inventory-internal.h"

static int interface_read(Reading *reading, const Netdev *netdev, DeviceInterface *interface) {
        _cleanup_closedir_ DIR *dir = dir_open_at(reading->sys_fd, netdev->path);
        unsigned long index, flags;
        int r;

        if (!dir)
                return -errno;
        r = attribute_read_number(dirfd(dir), "ifindex", 10, &index);
        if (r >= 0)
                r = attribute_read_number(dirfd(dir), "flags", 16, &flags);
        if (r < 0)
                return r;
        interface->index = (unsigned) index;
        interface->is_up = flags & IFF_UP;
        return 0;
}

static int interface_name(Reading *reading, Netdev *netdev, DeviceInterface *interface) {
        _cleanup_free_ Netdev **uppers = NULL;
        int r = netdev_uppers(reading, netdev, &uppers);

        for (size_t i = 0; r >= 0 && uppers[i]; i++)
                r = strings_add(&interface->uppers, uppers[i]->name);
        if (r < 0)
                return r;
        interface->name = strdup(netdev->name);
        return interface->name ? 0 : -ENOMEM;
}

static int interface_attach(Reading *reading, Netdev *netdev) {
        Device *device = netdev->device;
        DeviceInterface *grown = reallocarray(device->interfaces, device->n_interfaces + 1, sizeof(*grown));
        int r;

        if (!grown)
                return -ENOMEM;
        device->interfaces = grown;
        grown[device->n_interfaces] = (DeviceInterface) {};
        r = interface_read(reading, netdev, &grown[device->n_interfaces]);
        if (r < 0) /* unregistered meanwhile: sysfs has -EINVAL for it, too */
                return r == -ENOMEM ? r : 0;
        return interface_name(reading, netdev, &grown[device->n_interfaces++]);
}

int interfaces_attach(Reading *reading) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < reading->n_netdevs; i++)
                if (reading->netdevs[i].device)
                        r = interface_attach(reading, &reading->netdevs[i]);
        return r;
}
