/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* libnftables, if it is installed. */

typedef struct Firewall Firewall;

/* -EOPNOTSUPP: it is not, or the kernel has no netlink for it. */
int firewall_open(Firewall **ret);
Firewall *firewall_close(Firewall *firewall);

static inline void firewall_closep(Firewall **firewall) {
        firewall_close(*firewall);
}

/* Runs commands in one transaction. *ret_output (may be NULL) is what they print, and valid until the next ones. -EIO:
 * firewall_error() says why. */
int firewall_run(Firewall *firewall, const char *commands, const char **ret_output);
/* Its first line. */
const char *firewall_error(Firewall *firewall);
