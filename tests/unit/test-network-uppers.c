/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What sits on an interface: VLANs and the like, bonds, bridges. */

#include "network-made.h"

#define MAC_1 "\x02\0\0\0\0\x01"
#define MAC_2 "\x02\0\0\0\0\x02"

static void address_and_routes(const char *name) {
        address_new(name, "10.1.0.1", 24, 0, 0, 0);
        address_new(name, "fd00:1::1", 64, 0, 0, 0);
        route_new(.to = "10.2.0.0", .length = 16, .gateway = "10.1.0.254");
        route_new(.to = "fd00:2::", .length = 32, .gateway = "fd00:1::fe");
        neighbour_new(name, "10.1.0.10", MAC_1, NUD_PERMANENT, 0);
}

/* VLANs follow at once, or on a work queue. */
static void wait_until_up(const char *name) {
        for (unsigned i = 0; i < 100; i++, rest()) {
                _cleanup_(messages_clear) Messages messages = {};
                _cleanup_(network_links_clear) Links links = {};

                ck_assert_int_eq(netlink_dump(kernel, NETWORK_LINKS, &messages), 0);
                ck_assert_int_eq(links_decode(&messages, NULL, 0, &links), 0);
                if (links_find(&links, index_of(name))->flags & IFF_UP)
                        return;
        }
        ck_abort_msg("%s does not come up", name);
}

START_TEST(vlans_stay_up_and_down) {
        _cleanup_(network_freep) Network *captured = NULL;
        Lines before;

        if (!network_begin(false))
                return;
        link_new_wired("a");
        if (!is_supported(link_new("vlan", "a.1", "a", 1), "vlan"))
                return;
        ck_assert_int_eq(link_new("vlan", "a.2", "a", 2), 0);
        up("a.1");
        address_and_routes("a.1");
        address_new("a.2", "10.7.0.1", 24, 0, 0, 0);
        /* One on another. */
        ck_assert_int_eq(link_new("vlan", "a.1.3", "a.1", 3), 0);
        up("a.1.3");
        address_new("a.1.3", "fd00:3::1", 64, 0, 0, 0);
        before = snapshot_settled();
        captured = capture();

        /* Takes down the first, and up all. */
        down("a");
        up("a");
        wait_until_up("a.2");
        ck_assert_uint_gt(restore(captured, "a"), 0);
        check_same(&before);
        down("a");
        ck_assert_uint_gt(restore(captured, "a"), 0);
        check_same(&before);
        ck_assert_uint_eq(restore(captured, "a"), 0);
        lines_clear(&before);
        network_end();
}
END_TEST

/* As a VLAN does, but it stays up. */
START_TEST(macvlans_keep_what_they_have) {
        _cleanup_(network_freep) Network *captured = NULL;
        Lines before;

        if (!network_begin(false))
                return;
        link_new_wired("a");
        if (!is_supported(link_new("macvlan", "m", "a", 0), "macvlan"))
                return;
        ck_assert_int_eq(link_new("macvlan", "n", "a", 0), 0);
        up("m");
        address_and_routes("m");
        address_new("n", "10.7.0.1", 24, 0, 0, 0);
        address_new("n", "fd00:7::1", 64, IFA_F_NODAD, 0, 0);
        before = snapshot_settled();
        captured = capture();
        ck_assert_uint_eq(restore(captured, "a"), 0);

        down("a");
        down("m");
        up("n");
        ck_assert_uint_gt(restore(captured, "a"), 0);
        check_same(&before);
        ck_assert_uint_eq(restore(captured, "a"), 0);

        /* It is of the upper one only. */
        down("m");
        ck_assert_uint_gt(restore(captured, "m"), 0);
        check_same(&before);

        /* Which goes with the lower one, and is told. */
        link_delete("a");
        {
                const char *names[] = { "a", NULL };
                _cleanup_free_ char *why = NULL;

                link_new_wired("a");
                ck_assert_int_eq(network_restore_based(captured, is_named, names, NULL, &why), -ENODEV);
                ck_assert(strcmp(why, "The interface m is gone.") == 0 || strcmp(why, "The interface n is gone.") == 0);
        }
        lines_clear(&before);
        network_end();
}
END_TEST

START_TEST(bond_gets_its_routes_back) {
        _cleanup_(network_freep) Network *captured = NULL;
        Lines before;

        if (!network_begin(false))
                return;
        if (!is_supported(link_new("bond", "bond", NULL, 0), "bond"))
                return;
        link_new_wired("a");
        link_new_wired("b");
        down("a");
        down("b");
        ck_assert_int_eq(link_set_master("a", "bond"), 0);
        ck_assert_int_eq(link_set_master("b", "bond"), 0);
        up("bond");
        address_and_routes("bond");
        before = snapshot_settled();
        captured = capture();
        ck_assert_uint_eq(restore(captured, "a"), 0);

        down("a");
        down("b");
        down("bond");
        ck_assert_uint_gt(restore(captured, "a"), 0);
        ck_assert_uint_gt(restore(captured, "b"), 0);
        check_same(&before);
        lines_clear(&before);
        network_end();
}
END_TEST

START_TEST(bridge_gets_its_port_back) {
        _cleanup_(network_freep) Network *captured = NULL;
        Lines before;
        size_t n_lost;

        if (!network_begin(false))
                return;
        if (!is_supported(link_new("bridge", "br", NULL, 0), "bridge"))
                return;
        ck_assert_int_eq(link_set("br", IFLA_ADDRESS, MAC_2, 6), 0);
        link_new_wired("a");
        down("a");
        ck_assert_int_eq(link_set("a", IFLA_ADDRESS, MAC_1, 6), 0);
        up("a");
        ck_assert_int_eq(link_set_master("a", "br"), 0);
        up("br");
        address_and_routes("br");
        fdb_do(RTM_NEWNEIGH, "a", "\x02\0\0\0\x07\x01");
        fdb_do(RTM_NEWNEIGH, "a", "\x02\0\0\0\x07\x02");
        before = snapshot_settled();
        captured = capture();
        ck_assert_uint_eq(restore(captured, "a"), 0);

        fdb_do(RTM_DELNEIGH, "a", "\x02\0\0\0\x07\x02");
        n_lost = count_lost(&before); /* a bridge that knows VLANs has it in its own, too */
        ck_assert_uint_ge(n_lost, 1);
        ck_assert_uint_eq(restore(captured, "a"), n_lost);
        check_same(&before);

        down("a");
        down("br");
        ck_assert_uint_gt(restore(captured, "a"), 0);
        check_same(&before);

        /* Made anew, it is a port again, and what is on the bridge stays. */
        link_delete("a");
        link_new_wired("a");
        ck_assert_uint_gt(restore(captured, "a"), 0);
        check_same_of(&before, "a");
        check_same_of(&before, "br");
        ck_assert_uint_eq(restore(captured, "a"), 0);
        lines_clear(&before);
        network_end();
}
END_TEST

START_TEST(port_gets_its_vlans_back) {
        static const Given options[] = { U8(IFLA_BR_VLAN_FILTERING, 1), NOTHING };
        _cleanup_(network_freep) Network *captured = NULL;
        Lines before, now;
        size_t n_lost;

        if (!made_begin() || !is_supported(make("bridge", "br", NULL, options), "bridge that knows VLANs"))
                return;
        link_new_wired("a");
        ck_assert_int_eq(link_set_master("a", "br"), 0);
        ck_assert_int_eq(change_port("bridge", "a", (Given[]) { U8(IFLA_BRPORT_ISOLATED, 1), NOTHING }), 0);
        vlans_do(RTM_SETLINK, "a", false, 100, 110, 0);
        vlans_do(RTM_DELLINK, "a", false, 1, 1, 0);
        up("br");
        before = made_snapshot();
        captured = capture();

        link_delete("a");
        link_new_wired("a");
        ck_assert_uint_gt(restore(captured, "a"), 0);
        now = made_snapshot();
        n_lost = count_missing(&before, &now, "a", "lost");
        ck_assert_uint_eq(n_lost, 0);
        ck_assert_uint_eq(restore(captured, "a"), 0);
        lines_clear(&now);
        lines_clear(&before);
        network_end();
}
END_TEST

UNIT_MAIN("network-uppers", vlans_stay_up_and_down, macvlans_keep_what_they_have, bond_gets_its_routes_back,
                bridge_gets_its_port_back, port_gets_its_vlans_back)
