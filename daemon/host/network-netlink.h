/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Talking to rtnetlink. */

#include <netlink/netlink.h>

#include "host/network-internal.h"

/* libnl's as an errno. */
int netlink_error(int r);
static inline bool netlink_is_error(int error) {
        return error < 0 && error >= -4095;
}

typedef void (*ReceivedFunc)(const struct nlmsghdr *message, void *userdata);

/* One datagram. */
int netlink_receive(struct nl_sock *sk, ReceivedFunc func, void *userdata);
