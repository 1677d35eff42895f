/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>

#include "basic/log.h"
#include "host/services-internal.h"

static int connect_by_bus(sd_bus **ret) {
        _cleanup_(bus_closep) sd_bus *bus = NULL;
        int r;

        r = sd_bus_open_system(&bus);
        if (r < 0)
                return r;
        r = sd_bus_call_method_async(bus, NULL, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, "Subscribe", NULL, NULL,
                        "");
        if (r < 0)
                return r;
        *ret = TAKE_PTR(bus);
        return 0;
}

int systemd_connect(sd_bus **ret) {
        int r = systemd_connect_private("", ret);

        if (r >= 0)
                return 0;
        log_debug_errno(r, "Cannot connect to PID 1's own socket, trying the system bus: %m");
        return connect_by_bus(ret);
}

int systemd_error(sd_bus_message *m, const char **ret_text) {
        const sd_bus_error *e = sd_bus_message_get_error(m);

        if (!e)
                return 0;
        *ret_text = e->message ?: e->name;
        /* Calls that a broken connection leaves behind end as if nobody had answered in time. */
        return sd_bus_is_open(sd_bus_message_get_bus(m)) > 0 ? -sd_bus_message_get_errno(m) : -ECONNRESET;
}

const char *systemd_sender(sd_bus *bus) {
        return sd_bus_is_bus_client(bus) > 0 ? SYSTEMD_NAME : NULL;
}
