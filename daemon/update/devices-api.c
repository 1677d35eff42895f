/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The devices as the API tells of them, and what of them a commit would stumble over. */

#include <errno.h>
#include <string.h>

#include "basic/finding.h"
#include "basic/json.h"
#include "update/devices.h"
#include "update/reply.h"

static int describe(Manager *manager, json_object **ret) {
        _cleanup_json_ json_object *list = json_object_new_array();
        _cleanup_(inventory_freep) Inventory *inventory = NULL;
        DrainOptions options = devices_options(manager->config);
        int r;

        if (!list)
                return -ENOMEM;
        r = devices_read(manager, &inventory);
        if (r < 0)
                return r;
        for (size_t i = 0; i < inventory->n; i++) {
                json_object *o = device_to_json(&inventory->devices[i]);

                if (!o || drain_describe(inventory, &inventory->devices[i], &options, o) < 0 ||
                                json_object_array_add(list, o) < 0) {
                        json_object_put(o);
                        return -ENOMEM;
                }
        }
        *ret = TAKE_PTR(list);
        return 0;
}

/* It takes a while, which is not for the blackout. */
int method_devices(VarlinkCall *call, json_object *parameters, void *userdata) {
        _cleanup_json_ json_object *o = json_object_new_object();
        json_object *list;
        int r;

        if (((Manager *) userdata)->update)
                return reply_in_progress(call);
        r = describe(userdata, &list);
        if (r < 0)
                return r;
        if (!o || json_add(o, "devices", list) < 0)
                return -ENOMEM;
        return varlink_call_reply(call, TAKE_PTR(o), NULL, 0);
}

/* A rule of the operator's that is not followed. */
static int say_replaced(json_object *findings, json_object *device) {
        const char *address = "", *policy = "", *origin = "default", *note = NULL;

        if (json_get_string(device, "note", &note) < 0 || json_get_string(device, "policyOrigin", &origin) < 0 ||
                        strcmp(origin, "default") == 0)
                return 0;
        (void) json_get_string(device, "address", &address);
        (void) json_get_string(device, "policy", &policy);
        return findings_say(findings, "devices", "warn", "Change DevicePolicy= in liveupdated.conf.",
                        "%s is not drained as %s says, but by the policy %s: %s.", address, origin, policy, note);
}

int devices_findings(Manager *manager, json_object *findings) {
        _cleanup_json_ json_object *list = NULL;
        size_t n_drained = 0, n_kept = 0;
        int r = describe(manager, &list);

        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return findings_say(findings, "devices", "warn", NULL, "The devices cannot be listed: %s.", strerror(-r));
        for (size_t i = 0; r >= 0 && i < json_object_array_length(list); i++) {
                json_object *device = json_object_array_get_idx(list, i);
                bool is_master = false;
                const char *phase;

                (void) json_get_bool(device, "busMaster", &is_master);
                if (json_get_string(device, "phase", &phase) >= 0)
                        n_drained++;
                else
                        n_kept += is_master;
                r = say_replaced(findings, device);
        }
        return r < 0 ? r : findings_say(findings, "devices", "ok", NULL,
                        "Made quiet before the jump: %zu devices; left to the kernel's shutdown: %zu that do DMA.",
                        n_drained, n_kept);
}
