/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an undo needs, for a successor of this process. It comes back through the fd store, so that it is hostile: names
 * become paths. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/json.h"
#include "drain/drain-internal.h"

#define DEVICES_MAX 65536U
#define TIMEOUT_USEC_MAX (3600ULL * 1000 * 1000)

/* Absent: NULL. */
static int get_copy(json_object *o, const char *key, bool (*is_valid)(const char *text), char **ret) {
        const char *text;
        int r = json_get_string(o, key, &text);

        if (r == -ENOENT)
                return 0;
        if (r < 0 || (is_valid && !is_valid(text)))
                return -EBADMSG;
        *ret = strdup(text);
        return *ret ? 0 : -ENOMEM;
}

static int get_bool(json_object *o, const char *key, bool *ret) {
        return json_get_bool(o, key, ret) < 0 ? -EBADMSG : 0;
}

static int get_u32(json_object *o, const char *key, uint32_t max, uint32_t *ret) {
        uint64_t value;

        if (json_get_u64(o, key, &value) < 0 || value > max)
                return -EBADMSG;
        *ret = (uint32_t) value;
        return 0;
}

static int get_interface(json_object *o, DeviceInterface *ret) {
        int r = get_copy(o, "name", NULL, &ret->name);

        if (r >= 0)
                r = get_bool(o, "up", &ret->is_up);
        if (r >= 0 && !ret->name)
                r = -EBADMSG;
        return r;
}

static int get_interfaces(json_object *o, Device *device) {
        json_object *list;
        size_t n;
        int r = 0;

        if (json_get_array(o, "interfaces", &list) < 0)
                return -EBADMSG;
        n = json_object_array_length(list);
        device->interfaces = calloc(n + 1, sizeof(*device->interfaces));
        if (!device->interfaces)
                return -ENOMEM;
        while (device->n_interfaces < n && r >= 0) {
                size_t i = device->n_interfaces++;

                r = get_interface(json_object_array_get_idx(list, i), &device->interfaces[i]);
        }
        return r;
}

static int device_from_state(json_object *o, Device *device) {
        uint32_t n_virtual = 0;
        int r;

        device->iommu_group = -1;
        r = get_copy(o, "address", is_function_address, &device->address);
        if (r >= 0 && !device->address)
                r = -EBADMSG;
        if (r >= 0)
                r = get_copy(o, "driver", is_driver_name, &device->driver);
        if (r >= 0)
                r = get_copy(o, "parent", is_function_address, &device->parent);
        if (r >= 0)
                r = get_u32(o, "class", 0xffffff, &device->class_code);
        if (r >= 0)
                r = get_u32(o, "virtualFunctions", UINT16_MAX, &n_virtual);
        if (r >= 0)
                r = get_bool(o, "busMaster", &device->bus_master);
        if (r >= 0)
                r = get_bool(o, "canReset", &device->can_reset);
        if (r >= 0)
                r = get_interfaces(o, device);
        device->n_virtual = n_virtual;
        return r;
}

static int get_policy(json_object *o, DrainDevice *d) {
        const char *text;
        int policy;

        policy = json_get_string(o, "policy", &text) < 0 ? -EBADMSG : policy_from_string(text);
        if (policy < 0)
                return -EBADMSG;
        d->policy = (DevicePolicy) policy;
        return 0;
}

static int get_round(json_object *o, DrainDevice *d) {
        const char *text;
        int r = json_get_string(o, "round", &text);

        if (r == -ENOENT)
                return 0;
        for (int round = 0; r >= 0 && round < _DRAIN_ROUND_MAX; round++)
                if (strcmp(text, drain_state_rounds[round]) == 0)
                        d->round = round;
        return d->round < 0 ? -EBADMSG : 0;
}

static int drained_from_state(json_object *o, DrainDevice *d) {
        int r;

        r = get_policy(o, d);
        if (r >= 0)
                r = get_round(o, d);
        if (r >= 0)
                r = get_copy(o, "note", NULL, &d->note);
        if (r >= 0)
                r = get_copy(o, "driverOverride", NULL, &d->driver_override);
        if (r >= 0)
                r = get_bool(o, "held", &d->is_held);
        if (r < 0 || d->round < 0)
                return r;
        if (!d->driver_override)
                return -EBADMSG;
        d->was_begun = true; /* or not: an undo looks */
        d->outcome = OUTCOME_PENDING;
        return 0;
}

static int inventory_from_state(json_object *list, Inventory **ret) {
        _cleanup_(inventory_freep) Inventory *inventory = calloc(1, sizeof(*inventory));
        size_t n = json_object_array_length(list);
        int r = 0;

        if (!inventory)
                return -ENOMEM;
        if (n > DEVICES_MAX)
                return -EBADMSG;
        inventory->devices = calloc(n + 1, sizeof(*inventory->devices));
        if (!inventory->devices)
                return -ENOMEM;
        while (inventory->n < n && r >= 0) {
                size_t i = inventory->n++;

                r = device_from_state(json_object_array_get_idx(list, i), &inventory->devices[i]);
        }
        if (r >= 0)
                *ret = TAKE_PTR(inventory);
        return r;
}

static int get_boot_id(json_object *o, sd_id128_t *ret) {
        const char *text;

        return json_get_string(o, "bootId", &text) < 0 || sd_id128_from_string(text, ret) < 0 ? -EBADMSG : 0;
}

static int capture_fill(Capture *capture, json_object *o, json_object *list) {
        json_object *network;
        int r;

        for (size_t i = 0; i < capture->n; i++) {
                r = drained_from_state(json_object_array_get_idx(list, i), &capture->devices[i]);
                if (r < 0)
                        return r;
        }
        for (size_t i = 1; i < capture->n_by_address; i++)
                if (strcmp(capture->by_address[i - 1]->address, capture->by_address[i]->address) == 0)
                        return -EBADMSG;
        if (json_get_u64(o, "timeoutUSec", &capture->timeout_usec) < 0 || capture->timeout_usec > TIMEOUT_USEC_MAX)
                return -EBADMSG;
        r = get_bool(o, "locked", &capture->is_locked);
        if (r >= 0)
                r = get_boot_id(o, &capture->boot_id);
        if (r < 0)
                return r;
        r = json_get_object(o, "network", &network);
        return r == -ENOENT ? 0 : r < 0 ? -EBADMSG : capture->setup->from_json(network, &capture->network);
}

static int check_version(json_object *o) {
        uint64_t version;

        if (json_get_u64(o, "version", &version) < 0 || version == 0)
                return -EBADMSG;
        return version > DRAIN_STATE_VERSION ? -EPROTONOSUPPORT : 0;
}

int capture_from_text(const DrainSetup *setup, const char *text, size_t size, Capture **ret) {
        _cleanup_(capture_unrefp) Capture *capture = NULL;
        _cleanup_json_ json_object *o = NULL;
        Inventory *inventory;
        json_object *list;
        int r;

        r = json_parse_object(text, size, &o);
        if (r >= 0)
                r = check_version(o);
        if (r >= 0 && json_get_array(o, "devices", &list) < 0)
                r = -EBADMSG;
        if (r >= 0)
                r = inventory_from_state(list, &inventory);
        if (r >= 0)
                r = capture_new(setup, inventory, &capture);
        if (r >= 0)
                r = capture_fill(capture, o, list);
        if (r < 0)
                return r;
        capture_link_parents(capture);
        *ret = TAKE_PTR(capture);
        return 0;
}
