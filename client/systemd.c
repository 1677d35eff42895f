/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "basic/cleanup.h"
#include "basic/systemd.h"
#include "client/systemd.h"

#define CALL_USEC (25ULL * 1000 * 1000)

int systemd_queue(const char *root, UnitAction action, const char *unit, char **ret_why) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = {};
        _cleanup_(bus_closep) sd_bus *bus = NULL;
        int r;

        *ret_why = NULL;
        r = systemd_connect_private(root, &bus);
        if (r < 0)
                r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = sd_bus_set_method_call_timeout(bus, CALL_USEC);
        if (r < 0)
                return r;
        r = sd_bus_call_method(bus, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER,
                        action == UNIT_START ? "StartUnit" : "StopUnit", &error, NULL, "ss", unit, "replace");
        if (r >= 0)
                return 0;
        if (error.message)
                *ret_why = strdup(error.message);
        return r;
}
