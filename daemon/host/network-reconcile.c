/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The network of the kernel before. What is made here builds on each other as in network_restore(), but nothing is
 * there to begin with, no index means anything, and what depends on an interface that is still to come is passed over
 * until it is there. */

#include <errno.h>
#include <string.h>

#include "host/network-links.h"

static bool is_wanted(const Link *link, const void *userdata) {
        return !(link->flags & IFF_LOOPBACK);
}

static size_t count_missing(const Restore *r) {
        size_t n = 0;

        for (size_t i = 0; i < r->then.n; i++)
                n += r->then.items[i].is_concerned && !r->then.items[i].now && link_is_waited_for(&r->then.items[i]);
        return n;
}

static int reconcile_all(Restore *r) {
        static int (*const parts[])(Restore *) = {
                restore_names, restore_missing, restore_links, restore_addresses, restore_nexthops, restore_routes,
                restore_rules, restore_neighbours, restore_fdb, restore_mdb, restore_qdiscs,
        };
        int k = restore_begin(r);

        for (size_t i = 0; k >= 0 && i < ELEMENTSOF(parts); i++)
                k = parts[i](r);
        return k;
}

int network_reconcile(const Network *wanted, uint64_t elapsed_usec, NetworkPass pass, NetworkOutcome *ret) {
        _cleanup_(network_outcome_done) NetworkOutcome outcome = { .problems = json_object_new_array() };
        Restore r = {
                .captured = wanted,
                .is_base = is_wanted,
                .elapsed_usec = elapsed_usec,
                .makes_links = true,
                .pass = pass,
                .problems = outcome.problems,
        };
        int k;

        if (!outcome.problems)
                return -ENOMEM;
        k = reconcile_all(&r);
        outcome.n_changes = r.n_sent;
        outcome.n_missing = count_missing(&r) + r.n_without_carrier;
        restore_end(&r);
        free(r.why);
        if (k < 0)
                return k;
        *ret = TAKE(outcome, (NetworkOutcome) {});
        return 0;
}

void network_outcome_done(NetworkOutcome *outcome) {
        json_object_put(outcome->problems);
        *outcome = (NetworkOutcome) {};
}
