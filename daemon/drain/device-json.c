/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>

#include "basic/json.h"
#include "drain/device.h"

static const char *const bus_names[] = { "pci", "platform", "virtio_mmio" };
static const char *const translation_names[] = { "none", "identity", "translated", "blocked" };
static const char *const msi_names[] = { "off", "msi", "msix" };
static const char *const use_names[] = { "vfio", "interface", "block", "character" };

static int add_strings(json_object *o, const char *key, char *const *strings) {
        _cleanup_json_ json_object *list = json_object_new_array();

        for (size_t i = 0; list && strings && strings[i]; i++)
                if (json_object_array_add(list, json_object_new_string(strings[i])) < 0)
                        return -ENOMEM;
        return json_add(o, key, TAKE_PTR(list));
}

static json_object *interface_to_json(const DeviceInterface *interface) {
        _cleanup_json_ json_object *o = json_object_new_object();

        if (!o || json_add_string(o, "name", interface->name) < 0 || json_add_bool(o, "up", interface->is_up) < 0 ||
                        add_strings(o, "uppers", interface->uppers) < 0)
                return NULL;
        return TAKE_PTR(o);
}

static json_object *user_to_json(const DeviceUser *user) {
        _cleanup_json_ json_object *o = json_object_new_object();

        if (!o || json_add_u64(o, "pid", (uint64_t) user->pid) < 0 || json_add_string(o, "comm", user->comm) < 0 ||
                        json_add_string(o, "workload", user->workload) < 0 ||
                        json_add_string(o, "use", use_names[user->use]) < 0)
                return NULL;
        return TAKE_PTR(o);
}

/* Consumes `o`. */
static int list_add(json_object *list, json_object *o) {
        if (!o)
                return -ENOMEM;
        if (json_object_array_add(list, o) < 0) {
                json_object_put(o);
                return -ENOMEM;
        }
        return 0;
}

static int add_interfaces(json_object *o, const Device *device) {
        _cleanup_json_ json_object *list = json_object_new_array();

        for (size_t i = 0; list && i < device->n_interfaces; i++)
                if (list_add(list, interface_to_json(&device->interfaces[i])) < 0)
                        return -ENOMEM;
        return json_add(o, "interfaces", TAKE_PTR(list));
}

static int add_users(json_object *o, const Device *device) {
        _cleanup_json_ json_object *list = json_object_new_array();

        for (size_t i = 0; list && i < device->n_users; i++)
                if (list_add(list, user_to_json(&device->users[i])) < 0)
                        return -ENOMEM;
        return json_add(o, "users", TAKE_PTR(list));
}

static int add_pci(json_object *o, const Device *device) {
        char class_code[7], id[10];

        snprintf(class_code, sizeof(class_code), "%06x", device->class_code & 0xffffffU);
        snprintf(id, sizeof(id), "%04x:%04x", device->vendor, device->model);
        if (json_add_string(o, "class", class_code) < 0 || json_add_string(o, "id", id) < 0 ||
                        json_add_bool(o, "busMaster", device->bus_master) < 0 ||
                        json_add_string(o, "msi", msi_names[device->msi]) < 0 ||
                        json_add_string(o, "physicalFunction", device->parent) < 0 ||
                        json_add_u64(o, "virtualFunctions", device->n_virtual) < 0)
                return -ENOMEM;
        return device->has_status ? json_add_bool(o, "transactionsPending", device->is_pending) : 0;
}

json_object *device_to_json(const Device *device) {
        _cleanup_json_ json_object *o = json_object_new_object();

        if (!o || json_add_string(o, "bus", bus_names[device->bus]) < 0 ||
                        json_add_string(o, "address", device->address) < 0 ||
                        (device->bus == BUS_PCI && add_pci(o, device) < 0) ||
                        json_add_string(o, "driver", device->driver) < 0 ||
                        json_add_string(o, "iommu", translation_names[device->translation]) < 0 ||
                        add_interfaces(o, device) < 0 || add_strings(o, "disks", device->blocks) < 0 ||
                        add_strings(o, "mounts", device->mounts) < 0 ||
                        json_add_bool(o, "root", device->has_root) < 0 ||
                        json_add_bool(o, "swap", device->has_swap) < 0 || add_users(o, device) < 0)
                return NULL;
        if (device->iommu_group >= 0 && json_add_u64(o, "iommuGroup", (uint64_t) device->iommu_group) < 0)
                return NULL;
        return TAKE_PTR(o);
}
