/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "basic/json.h"
#include "drain/device.h"

static int compare_driver(const char *before, const Device *now, json_object *problems) {
        if (!before || (now->driver && strcmp(now->driver, before) == 0))
                return 0;
        return now->driver ? json_append_text(problems, "its driver is %s, it was %s", now->driver, before)
                           : json_append_text(problems, "its driver %s is not bound", before);
}

static const DeviceInterface *interface_find(const Device *device, const char *name) {
        for (size_t i = 0; i < device->n_interfaces; i++)
                if (strcmp(device->interfaces[i].name, name) == 0)
                        return &device->interfaces[i];
        return NULL;
}

static bool is_named(json_object *names, const char *name) {
        for (size_t i = 0; i < json_object_array_length(names); i++) {
                const char *other = json_object_get_string(json_object_array_get_idx(names, i));

                if (other && strcmp(other, name) == 0)
                        return true;
        }
        return false;
}

/* Those that are up and had, or are given, another name. */
static size_t count_renamed(json_object *names, const Device *device) {
        size_t n = 0;

        for (size_t i = 0; i < device->n_interfaces; i++)
                n += device->interfaces[i].is_up && !is_named(names, device->interfaces[i].name);
        return n;
}

static int compare_interfaces(json_object *names, const Device *now, json_object *problems) {
        size_t n_renamed = count_renamed(names, now);

        for (size_t i = 0; i < json_object_array_length(names); i++) {
                json_object *o = json_object_array_get_idx(names, i);
                const DeviceInterface *interface;
                const char *name;
                int r = 0;

                if (!json_object_is_type(o, json_type_string))
                        return -EBADMSG;
                name = json_object_get_string(o);
                interface = interface_find(now, name);
                if (!interface && n_renamed > 0)
                        n_renamed--;
                else if (!interface)
                        r = json_append_text(problems, "%s is not there", name);
                else if (!interface->is_up)
                        r = json_append_text(problems, "%s is not up", name);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int compare_device(json_object *before, const Inventory *inventory, json_object *problems) {
        const char *address, *driver = NULL;
        json_object *names = NULL;
        const Device *now;
        int r = json_get_string(before, "address", &address);

        if (r < 0)
                return -EBADMSG;
        now = inventory_find(inventory, address);
        if (!now)
                return json_append_text(problems, "the device is missing");
        r = json_get_string(before, "driver", &driver);
        if (r >= 0 || r == -ENOENT)
                r = json_get_array(before, "interfaces", &names);
        if (r < 0 && r != -ENOENT)
                return -EBADMSG;
        r = compare_driver(driver, now, problems);
        return r >= 0 && names ? compare_interfaces(names, now, problems) : r;
}

int inventory_compare(json_object *before, const Inventory *now) {
        int n = 0;

        for (size_t i = 0; i < json_object_array_length(before); i++) {
                _cleanup_json_ json_object *problems = json_object_new_array();
                json_object *o = json_object_array_get_idx(before, i);
                int r;

                if (!problems)
                        return -ENOMEM;
                if (!json_object_is_type(o, json_type_object))
                        return -EBADMSG;
                r = compare_device(o, now, problems);
                if (r < 0)
                        return r;
                json_object_object_del(o, "problems");
                if (json_object_array_length(problems) == 0)
                        continue;
                if (json_add(o, "problems", TAKE_PTR(problems)) < 0)
                        return -ENOMEM;
                n++;
        }
        return n;
}
