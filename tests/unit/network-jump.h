/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Across a reboot: what is captured in one network namespace and selected goes through JSON to another, in which
 * nothing is there and indexes are others. */

#include <linux/fib_rules.h>
#include <linux/if_bridge.h>

#include "basic/json.h"
#include "network-snapshot.h"

/* making */

static inline int rule_new(uint32_t priority, uint32_t table, const char *iif, const char *to) {
        struct fib_rule_hdr body = { .family = AF_INET, .action = FR_ACT_TO_TBL };
        struct nl_msg *m;

        if (to)
                body.dst_len = strchr(to, ':') ? 128 : 32;
        m = request_new(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body), 256);
        must(nla_put_u32(m, FRA_PRIORITY, priority));
        must(nla_put_u32(m, FRA_TABLE, table));
        if (iif)
                must(nla_put_string(m, FRA_IIFNAME, iif));
        if (to)
                ((struct fib_rule_hdr *) nlmsg_data(nlmsg_hdr(m)))->family = put_address(m, FRA_DST, to);
        return ask(m);
}

static inline int rule_delete(uint32_t priority) {
        struct fib_rule_hdr body = { .family = AF_INET };
        struct nl_msg *m = request_new(RTM_DELRULE, 0, &body, sizeof(body), 256);

        must(nla_put_u32(m, FRA_PRIORITY, priority));
        return ask(m);
}

/* A queue of `packets`. */
static inline int qdisc_new(const char *name, uint32_t parent, uint32_t handle, const char *kind, uint32_t packets) {
        struct tcmsg body = { .tcm_ifindex = (int) index_of(name), .tcm_parent = parent, .tcm_handle = handle };
        struct nl_msg *m = request_new(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, &body, sizeof(body), 256);

        must(nla_put_string(m, TCA_KIND, kind));
        if (packets != 0)
                must(nla_put_u32(m, TCA_OPTIONS, packets));
        return ask(m);
}

static inline int mdb_new(const char *bridge, const char *port, const char *group) {
        struct br_port_msg body = { .family = AF_BRIDGE, .ifindex = index_of(bridge) };
        struct br_mdb_entry entry = { .ifindex = index_of(port), .state = MDB_PERMANENT };
        struct nl_msg *m = request_new(RTM_NEWMDB, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body), 256);

        entry.addr.proto = htons(0x0800);
        ck_assert_int_eq(inet_pton(AF_INET, group, &entry.addr.u.ip4), 1);
        must(nla_put(m, MDBA_SET_ENTRY, sizeof(entry), &entry));
        return ask(m);
}

static inline int nexthop_new(uint32_t id, const char *name, const char *gateway) {
        struct nhmsg body = {};
        struct nl_msg *m = request_new(RTM_NEWNEXTHOP, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body), 256);

        must(nla_put_u32(m, NHA_ID, id));
        must(nla_put_u32(m, NHA_OIF, index_of(name)));
        ((struct nhmsg *) nlmsg_data(nlmsg_hdr(m)))->nh_family = put_address(m, NHA_GATEWAY, gateway);
        return ask(m);
}

static inline int group_new(uint32_t id, uint32_t member) {
        struct nhmsg body = {};
        struct nexthop_grp group = { .id = member };
        struct nl_msg *m = request_new(RTM_NEWNEXTHOP, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body), 256);

        must(nla_put_u32(m, NHA_ID, id));
        must(nla_put(m, NHA_GROUP, sizeof(group), &group));
        return ask(m);
}

/* across */

/* `interfaces` NULL: everything. `omitted` (may be NULL) gets the sentences. */
static inline Network *selected(const char *const *interfaces, json_object **omitted) {
        _cleanup_(network_freep) Network *network = capture();
        _cleanup_json_ json_object *list = json_object_new_array(), *o = NULL, *parsed = NULL;
        const char *text;
        Network *again;

        ck_assert_int_eq(network_select(network, interfaces, list), 0);
        o = network_to_json(network);
        ck_assert_ptr_nonnull(o);
        text = json_object_to_json_string(o);
        ck_assert_int_eq(json_parse_object(text, strlen(text), &parsed), 0);
        ck_assert_int_eq(network_from_json(parsed, &again), 0);
        if (omitted)
                *omitted = TAKE_PTR(list);
        return again;
}

/* Everything has another index than it had. */
static inline void jump(bool with_dad) {
        network_end();
        ck_assert(network_begin(with_dad));
        ck_assert_int_eq(link_new("bridge", "other", NULL, 0), 0);
}

static inline NetworkOutcome reconcile_at(const Network *wanted, uint64_t elapsed_usec, NetworkPass pass) {
        NetworkOutcome outcome;

        ck_assert_int_eq(network_reconcile(wanted, elapsed_usec, pass, &outcome), 0);
        return outcome;
}

/* Without problems, and nothing to wait for: the number of changes. */
static inline size_t reconcile(const Network *wanted, NetworkPass pass) {
        NetworkOutcome outcome = reconcile_at(wanted, 1000000, pass);
        size_t n = outcome.n_changes;

        ck_assert_msg(json_object_array_length(outcome.problems) == 0, "%s",
                        json_object_to_json_string(outcome.problems));
        ck_assert_uint_eq(outcome.n_missing, 0);
        network_outcome_done(&outcome);
        return n;
}
