/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Routes that go more than one way, need each other, are many, or lead through nexthop objects. */

#include "network-snapshot.h"

START_TEST(keeps_multipath_routes) {
        _cleanup_(network_freep) Network *captured = NULL;
        const char *const both[] = { "a", "b", NULL };
        Lines before;

        if (!network_begin(false))
                return;
        link_new_wired("a");
        link_new_wired("b");
        address_new("a", "10.1.0.1", 24, 0, 0, 0);
        address_new("b", "10.2.0.1", 24, 0, 0, 0);
        address_new("a", "fd00:1::1", 64, 0, 0, 0);
        address_new("b", "fd00:2::1", 64, 0, 0, 0);
        route_new(.to = "10.7.0.0", .length = 16, .legs = { { "a", "10.1.0.9", 4 }, { "b", "10.2.0.9", 0 } });
        route_new(.to = "10.8.0.0", .length = 16, .legs = { { "a", "10.1.0.8", 0 }, { "a", "10.1.0.9", 9 } });
        route_new(.to = "fd00:7::", .length = 32, .legs = { { "a", "fd00:1::9", 4 }, { "b", "fd00:2::9", 0 } });
        route_new(.to = "fd00:8::", .length = 32, .legs = { { "a", "fd00:1::8", 0 }, { "a", "fd00:1::9", 9 } });
        before = snapshot_settled();
        captured = capture();

        down("a");
        ck_assert_uint_gt(count_lost(&before), 4);
        (void) restore(captured, "a");
        check_same(&before);
        down("a");
        down("b");
        ck_assert_int_eq(network_restore_based(captured, is_named, both, NULL, NULL), 0);
        check_same(&before);

        /* One by one: the route comes with the second, the legs of an IPv6 one with each. */
        down("a");
        down("b");
        ck_assert_uint_gt(restore(captured, "b"), 0);
        ck_assert_uint_gt(restore(captured, "a"), 0);
        ck_assert_uint_eq(restore(captured, "b"), 0);
        ck_assert_uint_eq(restore(captured, "a"), 0);
        check_same_of(&before, "a");
        check_same_of(&before, "b");
        ck_assert_uint_le(count_lost(&before), 1); /* in which they are shown the other way round */
        route_delete(.to = "fd00:7::", .length = 32);
        ck_assert_int_eq(network_restore_based(captured, is_named, both, NULL, NULL), 0);
        check_same(&before);

        /* One leg of an IPv6 route alone. */
        ck_assert_int_eq(route_do(RTM_DELROUTE, 0,
                        &(Route) { .to = "fd00:8::", .length = 32, .gateway = "fd00:1::9", .dev = "a" }), 0);
        ck_assert_uint_eq(count_lost(&before), 1);
        ck_assert_uint_eq(restore(captured, "a"), 1);
        check_same(&before);
        lines_clear(&before);
        network_end();
}
END_TEST

START_TEST(finds_gateways_behind_routes) {
        _cleanup_(network_freep) Network *captured = NULL;
        Lines before;

        if (!network_begin(false))
                return;
        link_new_wired("a");
        address_new("a", "10.200.0.1", 24, 0, 0, 0);
        address_new("a", "fd00:ff::1", 64, 0, 0, 0);
        /* Shown, and put back, in the order of what they lead to; the first one needs the second. */
        route_new(.to = "fd00:e0::", .length = 64, .dev = "a");
        route_new(.to = "fd00:d0::", .length = 64, .gateway = "fd00:e0::2");
        route_new(.to = "10.190.0.0", .length = 24, .dev = "a", .scope = RT_SCOPE_LINK);
        route_new(.to = "10.100.0.0", .length = 24, .gateway = "10.190.0.1");
        before = snapshot_settled();
        captured = capture();
        down("a");
        (void) restore(captured, "a");
        check_same(&before);
        lines_clear(&before);
        network_end();
}
END_TEST

START_TEST(restores_a_thousand_routes) {
        _cleanup_(network_freep) Network *captured = NULL;
        Lines before;

        if (!network_begin(false))
                return;
        link_new_wired("a");
        address_new("a", "10.1.0.1", 24, 0, 0, 0);
        address_new("a", "fd00:1::1", 64, 0, 0, 0);
        for (unsigned i = 0; i < 1000; i++) {
                char to[64];

                (void) snprintf(to, sizeof(to), "172.%u.%u.0", i >> 8, i & 0xff);
                route_new(.to = to, .length = 24, .gateway = "10.1.0.9");
                (void) snprintf(to, sizeof(to), "fd00:10:%x::", i);
                route_new(.to = to, .length = 48, .gateway = "fd00:1::9");
        }
        before = snapshot_settled();
        captured = capture();
        down("a");
        ck_assert_uint_gt(restore(captured, "a"), 2000);
        check_same(&before);
        ck_assert_uint_eq(restore(captured, "a"), 0);
        lines_clear(&before);
        network_end();
}
END_TEST

static int nexthop_do(uint16_t what, uint32_t id, const char *name, const char *gateway,
                const struct nexthop_grp *group, size_t n) {
        struct nhmsg body = { .nh_protocol = what == RTM_NEWNEXTHOP ? RTPROT_STATIC : 0 };
        struct nl_msg *m = request_new(what, what == RTM_NEWNEXTHOP ? NLM_F_CREATE | NLM_F_EXCL : 0, &body,
                        sizeof(body), 4096);
        struct nhmsg *in = nlmsg_data(nlmsg_hdr(m));

        must(nla_put_u32(m, NHA_ID, id));
        if (name)
                must(nla_put_u32(m, NHA_OIF, index_of(name)));
        if (gateway)
                in->nh_family = put_address(m, NHA_GATEWAY, gateway);
        if (group)
                must(nla_put(m, NHA_GROUP, (int) (n * sizeof(*group)), group));
        return ask(m);
}

START_TEST(restores_nexthop_objects) {
        static const struct nexthop_grp group[] = { { .id = 11, .weight = 3 }, { .id = 12 } };
        _cleanup_(network_freep) Network *captured = NULL;
        Lines before;
        int r;

        if (!network_begin(false))
                return;
        link_new_wired("a");
        link_new_wired("b");
        address_new("a", "10.1.0.1", 24, 0, 0, 0);
        address_new("b", "10.2.0.1", 24, 0, 0, 0);
        r = nexthop_do(RTM_NEWNEXTHOP, 11, "a", "10.1.0.9", NULL, 0);
        if (r == -EOPNOTSUPP) {
                printf("# SKIP: this kernel has no nexthop objects\n");
                return;
        }
        ck_assert_int_eq(r, 0);
        ck_assert_int_eq(nexthop_do(RTM_NEWNEXTHOP, 12, "b", "10.2.0.9", NULL, 0), 0);
        ck_assert_int_eq(nexthop_do(RTM_NEWNEXTHOP, 20, NULL, NULL, group, 2), 0);
        route_new(.to = "10.7.0.0", .length = 16, .nexthop = 11);
        route_new(.to = "10.8.0.0", .length = 16, .nexthop = 20);
        before = snapshot_settled();
        captured = capture();

        down("a"); /* the group loses one */
        ck_assert_uint_ge(count_lost(&before), 4);
        (void) restore(captured, "a");
        check_same(&before);
        ck_assert_uint_eq(restore(captured, "a"), 0);
        ck_assert_int_eq(nexthop_do(RTM_DELNEXTHOP, 20, NULL, NULL, NULL, 0), 0);
        (void) restore(captured, "b");
        check_same(&before);
        lines_clear(&before);
        network_end();
}
END_TEST

/* NetworkManager forbids the kernel to make routes to an address's prefix, and makes them in its name. */
START_TEST(restores_routes_made_in_the_name_of_the_kernel) {
        _cleanup_(network_freep) Network *captured = NULL;
        Lines before;

        if (!network_begin(false))
                return;
        link_new_wired("a");
        address_new("a", "10.9.0.1", 16, IFA_F_NOPREFIXROUTE, 0, 0);
        address_new("a", "fd00:2:0:18::1", 61, IFA_F_NOPREFIXROUTE, 0, 0);
        address_new("a", "10.1.0.1", 24, 0, 0, 0);
        address_new("a", "fd00:1::1", 64, 0, 0, 0);
        route_new(.to = "10.9.0.0", .length = 16, .dev = "a", .prefer = "10.9.0.1", .metric = 100,
                        .scope = RT_SCOPE_LINK, .protocol = RTPROT_KERNEL);
        route_new(.to = "0.0.0.0", .gateway = "10.9.0.254", .metric = 100);
        route_new(.to = "fd00:2:0:18::", .length = 61, .dev = "a", .metric = 100, .protocol = RTPROT_KERNEL);
        route_new(.to = "::", .gateway = "fd00:2:0:18::fe", .metric = 100);
        before = snapshot_settled();
        captured = capture();
        down("a");
        (void) restore(captured, "a");
        check_same(&before);
        ck_assert_uint_eq(restore(captured, "a"), 0);
        lines_clear(&before);
        network_end();
}
END_TEST

/* Of router advertisements: the kernel's own come with the next one, others are put back. */
START_TEST(leaves_advertised_routes_to_who_listens) {
        const char *const accept = "/proc/sys/net/ipv6/conf/a/accept_ra";
        const char *const forward = "/proc/sys/net/ipv6/conf/a/forwarding";
        _cleanup_(network_freep) Network *captured = NULL;
        Lines before;

        if (!network_begin(false))
                return;
        link_new_wired("a");
        set_sysctl(accept, "1");
        route_new(.to = "::", .gateway = "fe80::9", .dev = "a", .expires = 900, .protocol = RTPROT_RA);
        before = snapshot_settled();
        captured = capture();
        route_delete(.to = "::", .gateway = "fe80::9", .dev = "a", .protocol = RTPROT_RA);
        ck_assert_uint_eq(restore(captured, "a"), 0);
        set_sysctl(forward, "1");
        set_sysctl(accept, "2");
        ck_assert_uint_eq(restore(captured, "a"), 0);
        set_sysctl(accept, "1"); /* which is not enough for what forwards */
        ck_assert_uint_eq(restore(captured, "a"), 1);
        set_sysctl(forward, "0");
        set_sysctl(accept, "0");
        route_delete(.to = "::", .gateway = "fe80::9", .dev = "a", .protocol = RTPROT_RA);
        ck_assert_uint_eq(restore(captured, "a"), 1);
        check_same(&before);
        lines_clear(&before);
        network_end();
}
END_TEST

UNIT_MAIN("network-routes", keeps_multipath_routes, finds_gateways_behind_routes, restores_a_thousand_routes,
                restores_nexthop_objects, restores_routes_made_in_the_name_of_the_kernel,
                leaves_advertised_routes_to_who_listens)
