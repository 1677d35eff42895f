/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "basic/cleanup.h"
#include "client/systemd.h"

#define CALL_USEC (25ULL * 1000 * 1000)

static inline void bus_freep(sd_bus **bus) {
        sd_bus_flush_close_unref(*bus);
}

/* Works before the bus does, and without one. */
static int connect_private(const char *root, sd_bus **ret) {
        _cleanup_(bus_freep) sd_bus *bus = NULL;
        _cleanup_free_ char *address = NULL;
        int r;

        if (asprintf(&address, "unix:path=%s/run/systemd/private", root) < 0) {
                address = NULL;
                return -ENOMEM;
        }
        r = sd_bus_new(&bus);
        if (r >= 0)
                r = sd_bus_set_address(bus, address);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(bus);
        return 0;
}

int systemd_queue(const char *root, UnitAction action, const char *unit, char **ret_why) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = {};
        _cleanup_(bus_freep) sd_bus *bus = NULL;
        int r;

        *ret_why = NULL;
        r = connect_private(root, &bus);
        if (r < 0)
                r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = sd_bus_set_method_call_timeout(bus, CALL_USEC);
        if (r < 0)
                return r;
        r = sd_bus_call_method(bus, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                        "org.freedesktop.systemd1.Manager", action == UNIT_START ? "StartUnit" : "StopUnit", &error,
                        NULL, "ss", unit, "replace");
        if (r >= 0)
                return 0;
        if (error.message)
                *ret_why = strdup(error.message);
        return r;
}
