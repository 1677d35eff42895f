/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The host's network as the kernel has it, so that it can be put back. What is captured is kept in the kernel's own
 * words (netlink messages), so that nothing is lost that this code does not know. Everything here blocks, in the
 * kernel and nowhere else, and can be called on any thread. */

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "basic/cleanup.h"

typedef struct Network Network;

/* Links with the VLANs of bridges and their ports, addresses, nexthop objects, routes of all tables, rules, neighbours,
 * static FDB and MDB entries, and qdiscs of this network namespace; each interface's own sysctls; for interfaces of
 * hardware also what ethtool(8) sets (private flags, queues, rings, coalescing, pause, offloads, wake on LAN). -E2BIG:
 * more than 64 MiB of it, some 600000 routes. */
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

/* across the jump */

/* The interfaces a process has in its hands, by tap, tun or macvtap: names, NULL-terminated, appended to *names (NULL:
 * none yet; the caller frees with network_names_free(), on failure as well). Of a process that has gone, or is in
 * another network namespace: none. */
int network_interfaces_of_process(pid_t pid, char ***names);
char **network_names_free(char **names);

/* Leaves in `network` what is to be there under the next kernel. With `interfaces` (NULL-terminated) only what those
 * need, transitively: their masters, what those have for ports, what all of them sit on, VLANs on such a bridge, and
 * where a route goes through several, the others; addresses, routes, neighbours, FDB and MDB entries, VLANs, qdiscs of
 * these; routes that lead nowhere, in tables of their own with such routes; the rules that name one of them or lead to
 * a table with such a route.
 * With NULL all but the loopback interface. What the kernel makes by itself is not kept (routes of the tables local,
 * those of prefixes and of router advertisements, rules 0, 32766 and 32767, neighbours without an address).
 * Appends to `omitted` (a JSON array) a sentence for each thing in scope that cannot be carried: a peer in another
 * namespace, a kind of link or qdisc that is not known. */
int network_select(Network *network, const char *const *interfaces, json_object *omitted);

typedef enum NetworkPass {
        NETWORK_PASS_FIRST, /* before anybody else had a turn: all of it */
        NETWORK_PASS_LATER, /* services had theirs: what they configure by themselves is left as they have it: addresses
                             * with a lifetime, routes by DHCP and router advertisements, neighbours that are not
                             * permanent; links that they own and made otherwise are told, not changed */
} NetworkPass;

typedef struct NetworkOutcome {
        size_t n_changes;      /* requests that changed something */
        size_t n_missing;      /* interfaces that are not there (yet) and that nobody but their driver or their workload
                                * can make: hardware, taps that are not persistent; and nexthop objects that wait for
                                * a carrier. Changes of interfaces (RTM_NEWLINK) are worth another try */
        json_object *problems; /* an array of sentences */
} NetworkOutcome;

void network_outcome_done(NetworkOutcome *outcome);

/* Makes of the running network what was captured and selected under the kernel before, `elapsed_usec` ago. Missing
 * links are made; what is otherwise is set; what is more is left alone: nothing is removed. Idempotent, the difference
 * is computed anew each time, and applied in the order in which things build on each other. Interfaces of hardware are
 * known by their device, others by name and kind, and indexes in all that refers to them are translated. Fails only
 * where nothing can be done: no netlink, no memory. */
int network_reconcile(const Network *wanted, uint64_t elapsed_usec, NetworkPass pass, NetworkOutcome *ret);
