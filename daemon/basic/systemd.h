/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* systemd's PID 1 itself, by its private socket, which is root's alone: it is there before the system bus is, and still
 * there when that is being stopped. A connection without a bus: no names, no matches to be installed, and signals
 * without Subscribe() (systemd, src/core/dbus.c, bus_foreach_bus()). */

#include <stdint.h>
#include <systemd/sd-bus.h>

#define SYSTEMD_NAME "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"

static inline void bus_closep(sd_bus **bus) {
        sd_bus_close_unref(*bus);
}

/* `root` is "", or a directory in its place. Does not wait. -ENOENT, -ECONNREFUSED: there is no systemd. */
int systemd_connect_private(const char *root, sd_bus **ret);

/* Starts a unit and waits until it is up. -EIO: it does not come up; -ETIMEDOUT; or what PID 1 says to it. */
int systemd_start_unit(const char *root, const char *unit, uint64_t timeout_usec);
