/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is lost of an interface that goes down, or goes and comes again, is put back as it was. */

#include "network-snapshot.h"

#define MAC_1 "\x02\0\0\0\0\x01"
#define MAC_2 "\x02\0\0\0\0\x02"

static void make_addresses(const char *name) {
        address_new(name, "10.1.0.1", 24, 0, 0, 0);
        address_new(name, "10.1.0.2", 24, 0, 0, 0); /* a secondary one */
        address_new(name, "10.9.0.1", 16, IFA_F_NOPREFIXROUTE, 0, 0);
        address_new(name, "fd00:1::1", 64, 0, 0, 0);
        address_new(name, "fd00:2::1", 64, IFA_F_NOPREFIXROUTE, 0, 0);
        address_new(name, "fd00:3::1", 128, IFA_F_NODAD, 0, 0);
}

static void make_routes(const char *name) {
        route_new(.to = "10.2.0.0", .length = 16, .gateway = "10.1.0.254");
        route_new(.to = "10.2.0.0", .length = 16, .gateway = "10.1.0.253", .metric = 7, .mtu = 1400);
        route_new(.to = "10.2.0.0", .length = 16, .gateway = "10.1.0.253", .tos = 0x10);
        route_new(.to = "0.0.0.0", .gateway = "10.1.0.254", .prefer = "10.1.0.2", .table = 1234);
        route_new(.to = "10.3.0.0", .length = 16, .dev = name, .scope = RT_SCOPE_LINK, .protocol = RTPROT_BOOT);
        route_new(.to = "10.5.0.0", .length = 16, .gateway = "10.1.0.254", .prefer = "10.1.0.2");
        route_new(.to = "10.4.0.0", .length = 16, .type = RTN_BLACKHOLE);
        route_new(.to = "10.77.0.0", .length = 16, .type = RTN_LOCAL, .dev = "lo", .scope = RT_SCOPE_HOST,
                        .table = RT_TABLE_LOCAL);
        route_new(.to = "fd00:12::", .length = 32, .gateway = "fd00:1::fe");
        route_new(.to = "fd00:12::", .length = 32, .gateway = "fd00:1::fd", .metric = 5, .mtu = 1400);
        route_new(.to = "::", .gateway = "fd00:1::fe", .table = 1234);
        route_new(.to = "fd00:13::", .length = 32, .dev = name, .protocol = RTPROT_BOOT);
}

static void make_neighbours(const char *name) {
        neighbour_new(name, "10.1.0.10", MAC_1, NUD_PERMANENT, 0);
        neighbour_new(name, "10.1.0.11", MAC_2, NUD_STALE, 0);
        neighbour_new(name, "fd00:1::10", MAC_1, NUD_PERMANENT, NTF_ROUTER);
        neighbour_new(name, "fd00:1::11", MAC_2, NUD_REACHABLE, 0);
        neighbour_new(name, "10.1.0.12", NULL, 0, NTF_PROXY);
        neighbour_new(name, "fd00:1::12", NULL, 0, NTF_PROXY);
}

START_TEST(brings_back_what_a_link_lost) {
        _cleanup_(network_freep) Network *captured = NULL;
        Lines before;

        if (!network_begin(false))
                return;
        link_new_wired("a");
        link_new_wired("b");
        make_addresses("a");
        make_routes("a");
        make_neighbours("a");
        address_new("b", "10.50.0.1", 24, 0, 0, 0);
        neighbour_new("b", "10.50.0.2", MAC_1, NUD_PERMANENT, 0);
        before = snapshot_settled();
        captured = capture();
        ck_assert_uint_eq(restore(captured, "a"), 0);

        down("a");
        ck_assert_uint_gt(count_lost(&before), 20);
        ck_assert_uint_gt(restore(captured, "a"), 20);
        check_same(&before);
        ck_assert_uint_eq(restore(captured, "a"), 0); /* nothing is to be done any more */

        /* What is not of this interface is left as it is. */
        down("b");
        ck_assert_uint_eq(restore(captured, "a"), 0);
        ck_assert_uint_gt(restore(captured, "b"), 0);
        check_same(&before);
        lines_clear(&before);
        network_end();
}
END_TEST

START_TEST(brings_back_single_things) {
        _cleanup_(network_freep) Network *captured = NULL;
        Lines before;

        if (!network_begin(false))
                return;
        link_new_wired("a");
        make_addresses("a");
        make_routes("a");
        before = snapshot_settled();
        captured = capture();

        route_delete(.to = "10.3.0.0", .length = 16, .dev = "a", .scope = RT_SCOPE_LINK, .protocol = RTPROT_BOOT);
        ck_assert_uint_eq(restore(captured, "a"), 1);
        check_same(&before);
        /* With it go the route that prefers it and nothing else: it is a secondary one. */
        address_delete("a", "10.1.0.2", 24);
        ck_assert_uint_eq(restore(captured, "a"), 2);
        check_same(&before);
        address_delete("a", "fd00:2::1", 64);
        ck_assert_uint_eq(restore(captured, "a"), 2); /* and to take the mark away that nobody was asked */
        check_same(&before);

        /* What came since stays. */
        address_new("a", "10.60.0.1", 24, 0, 0, 0);
        lines_clear(&before);
        before = snapshot_settled();
        ck_assert_uint_eq(restore(captured, "a"), 0);
        check_same(&before);
        lines_clear(&before);
        network_end();
}
END_TEST

static struct ifa_cacheinfo lifetime_of(const char *name, uint8_t family) {
        _cleanup_(network_freep) Network *now = capture();
        struct ifa_cacheinfo info = {};
        Message m;

        for (const struct nlmsghdr *h = NULL; (h = messages_next(&now->tables[NETWORK_ADDRESSES], h));) {
                const struct ifaddrmsg *body;

                ck_assert_int_eq(message_parse(h, NETWORK_ADDRESSES, &m), 0);
                body = m.body;
                if (body->ifa_index == index_of(name) && body->ifa_family == family && body->ifa_scope == 0)
                        memcpy(&info, nla_data(m.attributes[IFA_CACHEINFO]), sizeof(info));
        }
        return info;
}

/* Set back, the time of the capture would be before that of a machine that has just started. */
static uint64_t ahead_usec;

uint64_t __real_now_usec(clockid_t clock);
uint64_t __wrap_now_usec(clockid_t clock);

uint64_t __wrap_now_usec(clockid_t clock) {
        return __real_now_usec(clock) + ahead_usec;
}

START_TEST(lifetimes_go_on) {
        static const uint8_t families[] = { AF_INET, AF_INET6 };
        _cleanup_(network_freep) Network *captured = NULL;
        Lines before;

        if (!network_begin(false))
                return;
        link_new_wired("a");
        set_sysctl("/proc/sys/net/ipv6/conf/a/accept_ra", "0"); /* somebody else listens to routers */
        address_new("a", "10.1.0.1", 24, 0, 1000, 500);
        address_new("a", "fd00:1::1", 64, 0, 1000, 500);
        route_new(.to = "fd00:9::", .length = 32, .gateway = "fd00:1::9", .expires = 900, .protocol = RTPROT_RA);
        before = snapshot_settled();
        captured = capture();
        ahead_usec = 200 * 1000000ULL; /* a while later */

        down("a");
        address_delete("a", "10.1.0.1", 24);
        (void) restore(captured, "a");
        check_same(&before);
        for (size_t i = 0; i < ELEMENTSOF(families); i++) {
                struct ifa_cacheinfo info = lifetime_of("a", families[i]);

                ck_assert_uint_le(info.ifa_valid, 800);
                ck_assert_uint_ge(info.ifa_valid, 700);
                ck_assert_uint_le(info.ifa_prefered, 300);
                ck_assert_uint_ge(info.ifa_prefered, 200);
        }

        /* Over. */
        ahead_usec += 900 * 1000000ULL;
        down("a");
        address_delete("a", "10.1.0.1", 24);
        (void) restore(captured, "a");
        ck_assert_uint_eq(lifetime_of("a", AF_INET).ifa_valid, 0);
        ck_assert_uint_eq(lifetime_of("a", AF_INET6).ifa_valid, 0);
        lines_clear(&before);
        network_end();
}
END_TEST

START_TEST(nobody_is_asked_for_addresses_again) {
        _cleanup_(network_freep) Network *captured = NULL;
        Lines before;

        if (!network_begin(true))
                return;
        link_new_wired("a");
        address_new("a", "fd00:1::1", 64, 0, 0, 0);
        before = snapshot_settled();
        lines_clear(&before);
        route_new(.to = "fd00:9::", .length = 32, .gateway = "fd00:1::9", .prefer = "fd00:1::1");
        before = snapshot_settled();
        captured = capture();
        down("a");
        (void) restore(captured, "a");
        /* The kernel asks for its own, of the link, and the addresses of this test count already. */
        for (size_t i = 0; i < before.n; i++) {
                Lines now = snapshot();

                ck_assert(!strstr(before.items[i], "1=fd0000010000") || strncmp(before.items[i], "address", 7) != 0 ||
                                lines_have(&now, before.items[i]));
                lines_clear(&now);
        }
        check_same(&before);
        lines_clear(&before);
        network_end();
}
END_TEST

/* All that an interface has: see restores_one_made_anew. */
static void make_all(const char *name) {
        uint32_t queue = 77, mtu = 1400, group = 5;

        link_new_wired(name);
        ck_assert_int_eq(link_set(name, IFLA_ADDRESS, MAC_1, 6), 0);
        ck_assert_int_eq(link_set(name, IFLA_IFALIAS, "uplink", 6), 0);
        ck_assert_int_eq(link_set_u32(name, IFLA_MTU, mtu), 0);
        ck_assert_int_eq(link_set_u32(name, IFLA_TXQLEN, queue), 0);
        ck_assert_int_eq(link_set_u32(name, IFLA_GROUP, group), 0);
        make_addresses(name);
        make_routes(name);
        make_neighbours(name);
}

static int altname_new(const char *name, const char *other) {
        struct ifinfomsg body = { .ifi_index = (int) index_of(name) };
        struct nl_msg *m = request_new(RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND, &body, sizeof(body),
                        4096);
        struct nlattr *list = nla_nest_start(m, IFLA_PROP_LIST | NLA_F_NESTED);

        must(nla_put_string(m, IFLA_ALT_IFNAME, other));
        (void) nla_nest_end(m, list);
        return ask(m);
}

START_TEST(restores_one_made_anew) {
        _cleanup_(network_freep) Network *captured = NULL;
        unsigned index;
        Lines before;

        if (!network_begin(false))
                return;
        make_all("a");
        ck_assert_int_eq(altname_new("a", "a-long-name-of-the-interface-a"), 0);
        index = index_of("a");
        before = snapshot_settled();
        captured = capture();

        link_delete("a");
        link_new_wired("b"); /* takes the next index */
        link_new_wired("a");
        ck_assert_int_eq(link_set("ap", IFLA_ADDRESS, MAC_2, 6), 0);
        down("a");
        ck_assert_uint_ne(index_of("a"), index);
        ck_assert_uint_gt(restore(captured, "a"), 20);
        link_delete("b");
        ck_assert_uint_eq(restore(captured, "a"), 0);
        check_same_of(&before, "a"); /* the other end is another one */
        check_same_of(&before, "lo");
        lines_clear(&before);
        network_end();
}
END_TEST

START_TEST(tells_who_is_gone) {
        _cleanup_(network_freep) Network *captured = NULL;
        const char *names[] = { "a", "b", NULL };
        _cleanup_free_ char *why = NULL;
        Lines before;

        if (!network_begin(false))
                return;
        link_new_wired("a");
        link_new_wired("b");
        address_new("b", "10.2.0.1", 24, 0, 0, 0);
        before = snapshot_settled();
        captured = capture();
        link_delete("a");
        down("b");
        /* Everything else is done all the same. */
        ck_assert_int_eq(network_restore_based(captured, is_named, names, NULL, &why), -ENODEV);
        ck_assert_str_eq(why, "The interface a is gone.");
        check_same_of(&before, "b");
        ck_assert_int_eq(network_link_set_up(4711, true), -ENODEV);
        lines_clear(&before);
        network_end();
}
END_TEST

START_TEST(gives_names_back) {
        _cleanup_(network_freep) Network *captured = NULL;
        const char *names[] = { "a", "b", NULL };
        Lines before;

        if (!network_begin(false))
                return;
        link_new_wired("a");
        link_new_wired("b");
        address_new("a", "10.1.0.1", 24, 0, 0, 0);
        address_new("b", "10.2.0.1", 24, 0, 0, 0);
        before = snapshot_settled();
        captured = capture();
        down("a");
        down("b");
        ck_assert_int_eq(link_set("a", IFLA_IFNAME, "x", 2), 0);
        ck_assert_int_eq(link_set("b", IFLA_IFNAME, "a", 2), 0);
        ck_assert_int_eq(link_set("x", IFLA_IFNAME, "b", 2), 0);
        up("a");
        ck_assert_int_eq(network_restore_based(captured, is_named, names, NULL, NULL), 0);
        check_same(&before);
        lines_clear(&before);
        network_end();
}
END_TEST

UNIT_MAIN("network", brings_back_what_a_link_lost, brings_back_single_things, lifetimes_go_on,
                nobody_is_asked_for_addresses_again, restores_one_made_anew, tells_who_is_gone, gives_names_back)
