/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drain/inventory-internal.h"

#define BASE_CLASS_STORAGE 0x01
#define BASE_CLASS_NETWORK 0x02

int device_set_new(Reading *reading, DeviceSet *ret) {
        *ret = (DeviceSet) {
                .visit = ++reading->visits,
                .members = calloc(reading->inventory->n + 1, sizeof(bool)),
        };
        return ret->members ? 0 : -ENOMEM;
}

void device_set_done(DeviceSet *set) {
        free(set->members);
        set->members = NULL;
}

void device_set_add(const Reading *reading, DeviceSet *set, const Device *device) {
        set->members[device - reading->inventory->devices] = true;
}

static bool is_of_vfio(const Device *device) {
        return device->driver && strstr(device->driver, "vfio");
}

/* One that shows no interface may have it in another network namespace. */
static bool is_network(const Device *device) {
        for (size_t i = 0; i < device->n_interfaces; i++)
                if (device->interfaces[i].is_up)
                        return true;
        return device->n_interfaces == 0 && device->class_code >> 16 == BASE_CLASS_NETWORK && device->driver &&
                        !is_of_vfio(device);
}

static bool is_storage(const Device *device) {
        return device->blocks ||
                        (device->class_code >> 16 == BASE_CLASS_STORAGE && device->driver && !is_of_vfio(device));
}

void device_set_widen(const Reading *reading, DeviceSet *set) {
        for (size_t i = 0; i < reading->inventory->n; i++) {
                const Device *device = &reading->inventory->devices[i];

                if (((set->is_on_network || set->is_on_unknown) && is_network(device)) ||
                                (set->is_on_unknown && is_storage(device)))
                        set->members[i] = true;
        }
}
