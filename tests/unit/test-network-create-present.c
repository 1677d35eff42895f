/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Links that are there already, in part or made otherwise; those that are waited for; and what is not to be trusted. */

#include "network-made.h"

#define MAC_1 "\x02\0\0\0\0\x01"

/* What of `before` is of this interface is so today. */
static void check_link(const Lines *before, const char *name) {
        Lines now = made_snapshot();

        ck_assert_uint_eq(count_missing(before, &now, name, "lost"), 0);
        lines_clear(&now);
}

START_TEST(bridge_is_adjusted) {
        static const Given options[] = {
                U32(IFLA_BR_FORWARD_DELAY, 400), U32(IFLA_BR_AGEING_TIME, 12300), U8(IFLA_BR_MCAST_SNOOPING, 0),
                NOTHING,
        };
        static const Given others[] = { U32(IFLA_BR_FORWARD_DELAY, 900), U32(IFLA_BR_HELLO_TIME, 500), NOTHING };
        _cleanup_(network_freep) Network *captured = NULL;
        Lines before;

        if (!made_begin() || !is_supported(make("bridge", "br", NULL, options), "bridge"))
                return;
        link_new_wired("a");
        ck_assert_int_eq(link_set_master("a", "br"), 0);
        ck_assert_int_eq(change_port("bridge", "a", (Given[]) { U8(IFLA_BRPORT_ISOLATED, 1), NOTHING }), 0);
        ck_assert_int_eq(link_set("br", IFLA_ADDRESS, MAC_1, 6), 0);
        up("br");
        before = made_snapshot();
        captured = capture_selected();

        /* Indexes begin elsewhere, and one that was a's is another's. */
        delete_all();
        ck_assert_int_eq(make("bridge", "other", NULL, NULL), 0);
        ck_assert_int_eq(make("bridge", "br", NULL, others), 0);
        up("br");
        ck_assert_uint_gt(reconcile(captured, NULL), 0);
        check_link(&before, "br");
        check_link(&before, "a");
        check_link(&before, "ap");
        ck_assert_uint_eq(reconcile(captured, NULL), 0);
        ck_assert_uint_ne(if_nametoindex("other"), 0);
        lines_clear(&before);
        network_end();
}
END_TEST

START_TEST(otherwise_made_is_told) {
        static const Given wanted[] = { U32(IFLA_VXLAN_ID, 42), U16(IFLA_VXLAN_PORT, 0xb512), NOTHING };
        static const Given others[] = {
                U32(IFLA_VXLAN_ID, 43), U16(IFLA_VXLAN_PORT, 0xb512), U32(IFLA_VXLAN_AGEING, 7), NOTHING,
        };
        static const char told[] = "The VNI of vx is otherwise than it was, and can only be given when it is made.";
        _cleanup_(network_freep) Network *captured = NULL;
        unsigned index;

        if (!made_begin() || !is_supported(make("vxlan", "vx", NULL, wanted), "vxlan"))
                return;
        captured = capture_selected();
        delete_all();
        ck_assert_int_eq(make("vxlan", "vx", NULL, others), 0);
        index = index_of("vx");
        ck_assert_uint_gt(reconcile(captured, told), 0);
        ck_assert_uint_eq(index_of("vx"), index);
        ck_assert_uint_eq(reconcile(captured, told), 0); /* the rest is set */
        network_end();
}
END_TEST

START_TEST(name_of_another_kind_is_told) {
        _cleanup_(network_freep) Network *captured = NULL;

        if (!made_begin() || !is_supported(make("bridge", "x", NULL, NULL), "bridge") ||
                        !is_supported(link_new("ifb", "y", NULL, 0), "ifb"))
                return;
        captured = capture_selected();
        delete_all();
        ck_assert_int_eq(link_new("ifb", "x", NULL, 0), 0);
        (void) reconcile(captured, "Cannot make x: there is an interface of that name, of another kind.");
        ck_assert_uint_ne(if_nametoindex("y"), 0);
        network_end();
}
END_TEST

START_TEST(half_a_pair_is_told) {
        _cleanup_(network_freep) Network *captured = NULL;
        struct ifinfomsg body = {};
        struct nl_msg *m;

        if (!made_begin())
                return;
        link_new_wired("a");
        captured = capture_selected();
        m = request_new(RTM_SETLINK, 0, &(struct ifinfomsg) { .ifi_index = (int) index_of("ap") }, sizeof(body), 256);
        must(nla_put_string(m, IFLA_IFNAME, "renamed"));
        down("ap");
        ck_assert_int_eq(ask(m), 0);
        (void) reconcile(captured, "Cannot make ap: its other end is there already, and is another's.");
        network_end();
}
END_TEST

/* A process makes it, and what sits on it waits with it; then all of it comes. */
START_TEST(taps_of_processes_are_waited_for) {
        _cleanup_(network_freep) Network *captured = NULL;
        Lines before;
        int fd, lower;

        if (!made_begin() || !is_supported(make("bridge", "br", NULL, NULL), "bridge"))
                return;
        fd = tap_open("tap", IFF_TAP | IFF_NO_PI);
        lower = tap_open("lower", IFF_TAP);
        if (fd < 0 || lower < 0)
                return;
        ck_assert_int_eq(link_set("tap", IFLA_ADDRESS, MAC_1, 6), 0);
        ck_assert_int_eq(link_set_u32("tap", IFLA_MTU, 1400), 0);
        ck_assert_int_eq(link_set_master("tap", "br"), 0);
        if (is_supported(link_new("macvlan", "on-tap", "lower", 0), "macvlan"))
                ck_assert_int_eq(link_set("on-tap", IFLA_ADDRESS, "\x02\0\0\0\0\x02", 6), 0);
        ck_assert_int_eq(change_port("bridge", "tap", (Given[]) { U8(IFLA_BRPORT_ISOLATED, 1), NOTHING }), 0);
        up("tap");
        up("br");
        before = made_snapshot();
        captured = capture_selected();
        close(fd);
        close(lower);
        delete_all();

        ck_assert_uint_gt(reconcile(captured, NULL), 0);
        ck_assert_uint_eq(if_nametoindex("tap"), 0);
        ck_assert_uint_eq(if_nametoindex("on-tap"), 0);
        ck_assert_uint_eq(reconcile(captured, NULL), 0);
        fd = tap_open("tap", IFF_TAP | IFF_NO_PI);
        lower = tap_open("lower", IFF_TAP);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_ge(lower, 0);
        ck_assert_uint_gt(reconcile(captured, NULL), 0);
        check_made(&before);
        ck_assert_uint_eq(reconcile(captured, NULL), 0);
        close(fd);
        close(lower);
        lines_clear(&before);
        network_end();
}
END_TEST

START_TEST(sysctls_come_back) {
        static const char *const paths[] = {
                "/proc/sys/net/ipv4/conf/br/arp_ignore", "/proc/sys/net/ipv4/conf/br/rp_filter",
                "/proc/sys/net/ipv4/neigh/br/gc_stale_time",
        };
        _cleanup_(network_freep) Network *captured = NULL;
        _cleanup_free_ char *value = NULL;

        if (!made_begin() || !is_supported(make("bridge", "br", NULL, NULL), "bridge"))
                return;
        for (size_t i = 0; i < ELEMENTSOF(paths); i++)
                if (write_file(paths[i], "2") < 0) {
                        printf("# SKIP: %s cannot be written\n", paths[i]);
                        return;
                }
        captured = capture_selected();
        delete_all();
        ck_assert_uint_gt(reconcile(captured, NULL), 0);
        for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
                ck_assert_int_eq(read_file_at(AT_FDCWD, paths[i], 64, &value, NULL), 0);
                ck_assert_msg(strcmp(value, "2\n") == 0, "%s: %s", paths[i], value);
                free(value);
                value = NULL;
        }
        ck_assert_uint_eq(reconcile(captured, NULL), 0);
        network_end();
}
END_TEST

/* A link with one option of `size` bytes. */
static void try_option(const char *kind, unsigned lower, int type, int size) {
        static const unsigned char bytes[40] = { 0xff, 0xff, 0xff };
        struct ifinfomsg body = { .ifi_index = 50, .ifi_type = 1 };
        struct nl_msg *m = request_new(RTM_NEWLINK, 0, &body, sizeof(body), 1024);
        NetworkOutcome outcome = {};
        struct nlattr *info, *data;
        Network network = {};

        must(nla_put_string(m, IFLA_IFNAME, "made"));
        must(nla_put_u32(m, IFLA_LINK, lower));
        info = nla_nest_start(m, IFLA_LINKINFO);
        must(nla_put_string(m, IFLA_INFO_KIND, kind));
        data = nla_nest_start(m, IFLA_INFO_DATA);
        must(nla_put(m, type, size, bytes));
        (void) nla_nest_end(m, data);
        (void) nla_nest_end(m, info);
        ck_assert_int_eq(messages_append(&network.tables[NETWORK_LINKS], nlmsg_hdr(m)), 0);
        ck_assert_int_eq(network_reconcile(&network, 0, NETWORK_PASS_FIRST, &outcome), 0);
        network_outcome_done(&outcome);
        messages_clear(&network.tables[NETWORK_LINKS]);
        nlmsg_free(m);
        if (if_nametoindex("made") != 0)
                link_delete("made");
}

/* Options that are shorter than they should be, or longer, or make no sense, as from a manifest that is not ours. */
START_TEST(broken_options_are_survived) {
        static const char *const kinds[] = {
                "bridge", "vxlan", "veth", "tun", "macvlan", "bond", "vlan", "gre", "what",
        };
        static const int sizes[] = { 0, 1, 3, 40 };

        if (!made_begin())
                return;
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                for (int type = 0; type < 60; type++)
                        for (size_t j = 0; j < ELEMENTSOF(sizes); j++)
                                try_option(kinds[i], j % 2 == 0 ? 0 : 50 + j / 2, type, sizes[j]);
        network_end();
}
END_TEST

UNIT_MAIN("network-create-present", bridge_is_adjusted, otherwise_made_is_told, name_of_another_kind_is_told,
                half_a_pair_is_told, taps_of_processes_are_waited_for, sysctls_come_back, broken_options_are_survived)
