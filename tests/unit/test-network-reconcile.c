/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The network of one kernel made again under another. */

#include "network-jump.h"

#define MAC_1 "\x02\0\0\0\0\x01"
#define MAC_2 "\x02\0\0\0\0\x02"

/* A bridge with a wire in it, the host's addresses and routes on it, and what is made for its guests. */
static void build(const char *bridge, const char *port, const char *network) {
        char address[32], gateway[32], far[32];

        (void) snprintf(address, sizeof(address), "10.%s.0.1", network);
        (void) snprintf(gateway, sizeof(gateway), "10.%s.0.254", network);
        (void) snprintf(far, sizeof(far), "172.%s.0.0", network);
        ck_assert_int_eq(link_new("bridge", bridge, NULL, 0), 0);
        link_new_wired(port);
        ck_assert_int_eq(link_set_master(port, bridge), 0);
        up(bridge);
        address_new(bridge, address, 24, 0, 0, 0);
        route_new(.to = far, .length = 24, .gateway = gateway, .metric = 7, .mtu = 1400);
        route_new(.to = far, .length = 25, .gateway = gateway, .table = 1000 + (uint32_t) atoi(network));
        neighbour_new(bridge, gateway, MAC_1, NUD_PERMANENT, 0);
        fdb_do(RTM_NEWNEIGH, port, MAC_2);
}

static void wait_for_carrier(const char *name) {
        struct ifinfomsg body = { .ifi_index = (int) index_of(name) };

        for (unsigned i = 0; i < 100; i++) {
                _cleanup_(messages_clear) Messages messages = {};
                _cleanup_(network_links_clear) Links links = {};

                ck_assert_int_eq(netlink_dump(kernel, NETWORK_LINKS, &messages), 0);
                ck_assert_int_eq(links_decode(&messages, NULL, 0, &links), 0);
                if (links_find(&links, (unsigned) body.ifi_index)->flags & IFF_RUNNING)
                        return;
                rest();
        }
        ck_abort_msg("%s has no carrier", name);
}

START_TEST(everything_comes_again) {
        _cleanup_(network_freep) Network *wanted = NULL;
        Lines before;

        if (!network_begin(false))
                return;
        build("br0", "a", "1");
        build("br1", "b", "2");
        wait_for_carrier("br0");
        wait_for_carrier("br1");
        address_new("br0", "fd00:1::1", 64, 0, 0, 0);
        address_new("br0", "10.1.0.2", 24, 0, 0, 0); /* a secondary one */
        address_new("br0", "10.9.0.1", 24, IFA_F_NOPREFIXROUTE, 5000, 4000);
        neighbour_new("br0", "10.1.0.20", MAC_2, NUD_STALE, 0);
        neighbour_new("br0", "fd00:1::20", MAC_2, NUD_PERMANENT, 0);
        neighbour_new("br0", "10.1.0.30", NULL, 0, NTF_PROXY);
        route_new(.to = "10.3.0.0", .length = 16, .table = 1001, .type = RTN_BLACKHOLE);
        route_new(.to = "fd00:3::", .length = 48, .gateway = "fd00:1::fe", .table = 1001);
        route_new(.to = "fd00:5::", .length = 48, .dev = "lo", .type = RTN_UNREACHABLE);
        route_new(.to = "10.4.0.0", .length = 16,
                        .legs = { { "br0", "10.1.0.254", 2 }, { "br1", "10.2.0.254", 0 } });
        ck_assert_int_eq(nexthop_new(17, "br0", "10.1.0.253"), 0);
        ck_assert_int_eq(group_new(5, 17), 0); /* shown before what it is made of */
        route_new(.to = "10.5.0.0", .length = 16, .nexthop = 5);
        ck_assert_int_eq(rule_new(100, 1001, "br0", NULL), 0);
        ck_assert_int_eq(rule_new(0, 1001, NULL, "10.7.7.7"), 0);
        ck_assert_int_eq(rule_new(200, 1002, "not-there", NULL), 0);
        ck_assert_int_eq(qdisc_new("a", TC_H_ROOT, 0x10000, "pfifo", 77), 0);
        ck_assert_int_eq(mdb_new("br0", "a", "239.1.1.1"), 0);
        before = snapshot_settled();
        wanted = selected(NULL, NULL);

        jump(false);
        ck_assert_uint_gt(reconcile(wanted, NETWORK_PASS_FIRST), 0);
        link_delete("other");
        check_same(&before);
        ck_assert_uint_eq(reconcile(wanted, NETWORK_PASS_FIRST), 0);
        ck_assert_uint_eq(reconcile(wanted, NETWORK_PASS_LATER), 0);

        /* Only what is missing is made. */
        ck_assert_int_eq(rule_delete(100), 0);
        route_delete(.to = "10.4.0.0", .length = 16);
        address_delete("br0", "10.9.0.1", 24);
        ck_assert_uint_eq(reconcile(wanted, NETWORK_PASS_FIRST), 3);
        check_same(&before);
        lines_clear(&before);
        network_end();
}
END_TEST

START_TEST(later_leaves_what_services_own) {
        _cleanup_(network_freep) Network *wanted = NULL;
        Lines now;

        if (!network_begin(false))
                return;
        build("br0", "a", "1");
        address_new("br0", "10.9.0.1", 24, 0, 5000, 4000);
        address_new("br0", "10.8.0.1", 24, 0, 0, 0);
        neighbour_new("br0", "10.1.0.20", MAC_2, NUD_STALE, 0);
        route_new(.to = "10.20.0.0", .length = 16, .gateway = "10.1.0.254", .protocol = RTPROT_DHCP);
        wanted = selected(NULL, NULL);

        jump(false);
        ck_assert_uint_gt(reconcile(wanted, NETWORK_PASS_FIRST), 0);
        address_delete("br0", "10.9.0.1", 24);
        address_delete("br0", "10.8.0.1", 24);
        route_delete(.to = "10.20.0.0", .length = 16, .protocol = RTPROT_DHCP);
        now = snapshot_settled();
        ck_assert_uint_eq(reconcile(wanted, NETWORK_PASS_LATER), 1);
        ck_assert_uint_eq(count_lost(&now), 0);
        lines_clear(&now);
        /* In the first pass they would come. */
        ck_assert_uint_ge(reconcile(wanted, NETWORK_PASS_FIRST), 2);
        network_end();
}
END_TEST

START_TEST(lifetimes_run_on) {
        _cleanup_(network_freep) Network *wanted = NULL;
        _cleanup_(messages_clear) Messages addresses = {};
        NetworkOutcome outcome;
        unsigned n = 0;
        Message address;

        if (!network_begin(false))
                return;
        ck_assert_int_eq(link_new("bridge", "br0", NULL, 0), 0);
        up("br0");
        address_new("br0", "10.9.0.1", 24, 0, 5000, 4000);
        address_new("br0", "10.8.0.1", 24, 0, 500, 500);
        wanted = selected(NULL, NULL);

        jump(false);
        outcome = reconcile_at(wanted, 1000U * 1000000U, NETWORK_PASS_FIRST);
        ck_assert_uint_eq(json_object_array_length(outcome.problems), 0);
        network_outcome_done(&outcome);
        ck_assert_int_eq(netlink_dump(kernel, NETWORK_ADDRESSES, &addresses), 0);
        for (const struct nlmsghdr *m = NULL; (m = messages_next(&addresses, m));) {
                const struct ifaddrmsg *body = NLMSG_DATA(m);
                struct ifa_cacheinfo info;

                ck_assert_int_eq(message_parse(m, NETWORK_ADDRESSES, &address), 0);
                if (body->ifa_family != AF_INET || body->ifa_index != index_of("br0"))
                        continue;
                memcpy(&info, nla_data(address.attributes[IFA_CACHEINFO]), sizeof(info));
                ck_assert_uint_ge(info.ifa_valid, 3990);
                ck_assert_uint_le(info.ifa_valid, 4000);
                n++;
        }
        ck_assert_uint_eq(n, 1);
        network_end();
}
END_TEST

/* One that has the number of another under the kernel before. */
START_TEST(indexes_say_nothing) {
        _cleanup_(network_freep) Network *wanted = NULL;
        unsigned first;
        Lines before;

        if (!network_begin(false))
                return;
        ck_assert_int_eq(link_new("bridge", "br0", NULL, 0), 0);
        first = index_of("br0");
        ck_assert_int_eq(link_new("bridge", "br1", NULL, 0), 0);
        address_new("br0", "10.1.0.1", 24, 0, 0, 0);
        address_new("br1", "10.2.0.1", 24, 0, 0, 0);
        before = snapshot_settled();
        wanted = selected(NULL, NULL);

        network_end();
        ck_assert(network_begin(false));
        ck_assert_int_eq(link_new("bridge", "br1", NULL, 0), 0);
        ck_assert_uint_eq(index_of("br1"), first);
        ck_assert_uint_gt(reconcile(wanted, NETWORK_PASS_FIRST), 0);
        ck_assert_uint_eq(index_of("br1"), first);
        check_same_of(&before, "br0");
        check_same_of(&before, "br1");
        lines_clear(&before);
        network_end();
}
END_TEST

/* What cannot be made is told with the name ip(8) has for it, and the rest comes. */
START_TEST(tells_what_fails) {
        _cleanup_(network_freep) Network *wanted = NULL;
        NetworkOutcome outcome;

        if (!network_begin(false))
                return;
        build("br0", "a", "1");
        ck_assert_int_eq(rule_new(100, 1001, "br0", NULL), 0);
        wanted = selected(NULL, NULL);
        messages_clear(&wanted->tables[NETWORK_ADDRESSES]);

        jump(false);
        outcome = reconcile_at(wanted, 0, NETWORK_PASS_FIRST);
        ck_assert_uint_eq(json_object_array_length(outcome.problems), 2);
        ck_assert_ptr_nonnull(strstr(json_object_to_json_string_ext(outcome.problems, JSON_C_TO_STRING_NOSLASHESCAPE),
                        "\"Cannot put back the route 172.1.0.0/24 via 10.1.0.254 dev br0 metric 7: Network is "
                        "unreachable.\""));
        network_outcome_done(&outcome);
        ck_assert_int_eq(rule_delete(100), 0);
        network_end();
}
END_TEST

UNIT_MAIN("network-reconcile", everything_comes_again, later_leaves_what_services_own, lifetimes_run_on,
                indexes_say_nothing, tells_what_fails)
