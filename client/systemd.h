/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Asks systemd's PID 1 to start or stop a unit, and does not wait until it has. */

typedef enum UnitAction {
        UNIT_START,
        UNIT_STOP,
} UnitAction;

/* Below `root` ("" for the real one) is systemd's own socket, which root may use with or without a bus; the system bus
 * is the other way. A job that is in the way is replaced. Negative errno on failure, and *ret_why, the caller's, is
 * what systemd says about it, or NULL. */
int systemd_queue(const char *root, UnitAction action, const char *unit, char **ret_why);
