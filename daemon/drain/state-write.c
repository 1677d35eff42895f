/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "basic/json.h"
#include "drain/drain-internal.h"

const char *const drain_state_rounds[_DRAIN_ROUND_MAX] = {
        [DRAIN_ROUND_EARLY] = "early",
        [DRAIN_ROUND_LATE] = "late",
};

static int add_interface(json_object *list, const DeviceInterface *interface) {
        json_object *o = json_object_new_object();

        if (!o || json_add_string(o, "name", interface->name) < 0 || json_add_bool(o, "up", interface->is_up) < 0 ||
                        json_object_array_add(list, o) < 0) {
                json_object_put(o);
                return -ENOMEM;
        }
        return 0;
}

static int add_interfaces(json_object *o, const Device *device) {
        json_object *list = json_object_new_array();
        int r = list ? 0 : -ENOMEM;

        for (size_t i = 0; i < device->n_interfaces && r >= 0; i++)
                r = add_interface(list, &device->interfaces[i]);
        if (r >= 0)
                return json_add(o, "interfaces", list);
        json_object_put(list);
        return r;
}

static json_object *device_to_state(const DrainDevice *d) {
        _cleanup_json_ json_object *o = json_object_new_object();
        const Device *device = d->device;

        if (!o || json_add_string(o, "address", device->address) < 0 ||
                        json_add_u64(o, "class", device->class_code) < 0 ||
                        json_add_string(o, "driver", device->driver) < 0 ||
                        json_add_string(o, "driverOverride", d->driver_override) < 0 ||
                        json_add_string(o, "parent", device->parent) < 0 ||
                        json_add_u64(o, "virtualFunctions", device->n_virtual) < 0 ||
                        json_add_string(o, "policy", policy_to_string(d->policy)) < 0 ||
                        json_add_string(o, "note", d->note) < 0 ||
                        json_add_string(o, "round", d->round < 0 ? NULL : drain_state_rounds[d->round]) < 0 ||
                        json_add_bool(o, "busMaster", d->was_bus_master) < 0 ||
                        json_add_bool(o, "held", d->is_held) < 0 ||
                        json_add_bool(o, "canReset", device->can_reset) < 0 || add_interfaces(o, device) < 0)
                return NULL;
        return TAKE_PTR(o);
}

static int add_devices(json_object *o, const Capture *capture) {
        _cleanup_json_ json_object *list = json_object_new_array();

        for (size_t i = 0; list && i < capture->n; i++) {
                json_object *device = device_to_state(&capture->devices[i]);

                if (!device || json_object_array_add(list, device) < 0) {
                        json_object_put(device);
                        return -ENOMEM;
                }
        }
        return json_add(o, "devices", TAKE_PTR(list));
}

int capture_to_text(const Capture *capture, char **ret) {
        _cleanup_json_ json_object *o = json_object_new_object();
        char boot_id[SD_ID128_STRING_MAX];
        const char *text;

        if (!o || json_add_u64(o, "version", DRAIN_STATE_VERSION) < 0 ||
                        json_add_string(o, "bootId", sd_id128_to_string(capture->boot_id, boot_id)) < 0 ||
                        json_add_u64(o, "timeoutUSec", capture->timeout_usec) < 0 ||
                        json_add_bool(o, "locked", capture->is_locked) < 0 || add_devices(o, capture) < 0)
                return -ENOMEM;
        if (capture->network && json_add(o, "network", capture->setup->to_json(capture->network)) < 0)
                return -ENOMEM;
        text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN);
        *ret = text ? strdup(text) : NULL;
        return *ret ? 0 : -ENOMEM;
}
