/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The devices under the new kernel, beside what they were under the old one. */

#include <errno.h>
#include <string.h>

#include "basic/json.h"
#include "basic/log.h"
#include "update/devices.h"
#include "update/report.h"
#include "update/story.h"

/* For udev and the network's own services, which may still be at it when the guests run. */
#define SETTLE_USEC (30ULL * 1000 * 1000)

static int compare(json_object *devices) {
        _cleanup_(inventory_freep) Inventory *now = NULL;
        int r = inventory_read("", NULL, 0, &now);

        return r < 0 ? r : inventory_compare(devices, now);
}

static void tell_problems(json_object *report, json_object *devices) {
        const char *id = "";

        (void) json_get_string(report, "id", &id);
        for (size_t i = 0; i < json_object_array_length(devices); i++) {
                json_object *device = json_object_array_get_idx(devices, i), *problems;
                const char *address = "";

                if (json_get_array(device, "problems", &problems) < 0 ||
                                json_get_string(device, "address", &address) < 0)
                        continue;
                for (size_t k = 0; k < json_object_array_length(problems); k++)
                        story_device_problem(id, address, json_object_get_string(json_object_array_get_idx(problems, k)));
        }
}

static int on_settled(sd_event_source *source, uint64_t usec, void *userdata) {
        Manager *manager = userdata;
        json_object *devices;
        int r;

        manager->settle = sd_event_source_disable_unref(manager->settle);
        if (manager->update || !manager->report || json_get_array(manager->report, "devices", &devices) < 0)
                return 0;
        r = compare(devices);
        if (r < 0)
                log_warning_errno(r, "Cannot list the devices: %m");
        report_keep(manager, json_object_get(manager->report));
        tell_problems(manager->report, devices);
        return 0;
}

void devices_compare(Update *update) {
        Manager *manager = update->manager;
        int r = update->manifest.devices ? compare(update->manifest.devices) : 0;

        if (r < 0)
                log_warning_errno(r, "Cannot list the devices, so whether all came back is not known: %m");
        if (r <= 0)
                return;
        r = sd_event_add_time_relative(manager->event, &manager->settle, CLOCK_MONOTONIC, SETTLE_USEC, 1000000,
                        on_settled, manager);
        if (r < 0)
                log_warning_errno(r, "The report tells what the devices were like when the guests went on: %m");
}
