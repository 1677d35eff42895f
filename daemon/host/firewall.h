/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* nftables, by libnftables where it is installed: it is looked for when it is needed (dlopen), so that the daemon does
 * not load it in the blackout of a host without a firewall. Everything blocks, in the kernel and nowhere else. */

#include <json-c/json.h>
#include <stddef.h>

#include "host/network.h"

/* [{"family", "name", "text"}] for each table, in nft's own language, with its counters. An empty array: there is none.
 * -EOPNOTSUPP: the library is not installed, or the kernel knows nothing of nftables. -E2BIG: more than
 * FIREWALL_BYTES_MAX. */
#define FIREWALL_BYTES_MAX (8U << 20)
int firewall_capture(json_object **ret);

/* Puts back the tables of `wanted` (hostile: -EBADMSG) that are missing, each as a whole, all in one transaction. A
 * table that is there is somebody's, and left as it is; in NETWORK_PASS_LATER one that differs is told in `problems` (an
 * array of sentences), counters and elements of sets with a timeout aside; so is a text that is not just one table. */
int firewall_reconcile(json_object *wanted, NetworkPass pass, size_t *ret_n_changes, json_object *problems);
