/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The host's network as the kernel has it, so that it can be put back. What is captured is kept in the kernel's own
 * words (netlink messages), so that nothing is lost that this code does not know. Everything here blocks, in the
 * kernel and nowhere else, and can be called on any thread. */

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "basic/cleanup.h"

typedef struct Network Network;

/* Links, addresses, nexthop objects, routes of all tables, neighbours and static FDB entries of this network
 * namespace; for interfaces of hardware also what ethtool(8) sets (private flags, queues, rings, coalescing, pause,
 * offloads, wake on LAN) and their own sysctls. -E2BIG: more than 64 MiB of it, some 600000 routes. */
int network_capture(Network **ret);
Network *network_free(Network *network);
DEFINE_CLEANUP(Network *, network_free)

/* For a successor of this process, before the next boot. From hostile JSON: -EBADMSG. */
json_object *network_to_json(const Network *network);
int network_from_json(json_object *o, Network **ret);

/* By index. -ENODEV: it is gone. */
int network_link_set_up(unsigned index, bool is_up);

/* Makes the interfaces of these devices (names in sysfs: "0000:00:02.0"; NULL-terminated) and all that sits on them
 * as they were captured, whatever became of them meanwhile: down and up, or unregistered and registered again with
 * another index and name. Name, MAC, MTU, hardware settings, sysctls, master, up or down; then addresses with what is
 * left of their lifetimes, nexthops, routes, neighbours, FDB entries that are missing. What is there already is left
 * alone, and nothing is removed. What the kernel makes by itself comes when it does: IPv6's own routes and link-local
 * addresses with the carrier, its routes of router advertisements with the next one, which it asks for.
 *
 * Everything is tried; the first error is answered, with a sentence in *ret_why (caller frees; NULL if there is no
 * memory, or no error; the pointer can be NULL). -ENODEV: an interface is gone. Routes through several interfaces
 * come back when all of them are up, so devices that were drained together are best put back in one call. */
int network_restore(const Network *captured, const char *const *devices, char **ret_why);
