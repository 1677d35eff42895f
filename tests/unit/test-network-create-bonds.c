/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bonds, whose options depend on each other, on the mode, on what is up, and on their slaves. */

#include "network-made.h"

#define MAC_1 "\x02\0\0\0\0\x01"

static const Given active_backup[] = {
        U8(IFLA_BOND_MODE, 1), U32(IFLA_BOND_MIIMON, 50), U32(IFLA_BOND_UPDELAY, 200), U32(IFLA_BOND_DOWNDELAY, 100),
        U8(IFLA_BOND_PRIMARY_RESELECT, 2), U8(IFLA_BOND_NUM_PEER_NOTIF, 3), U32(IFLA_BOND_RESEND_IGMP, 4), NOTHING,
};
static const Given balance_xor[] = {
        U8(IFLA_BOND_MODE, 2), U32(IFLA_BOND_MIIMON, 200), U8(IFLA_BOND_XMIT_HASH_POLICY, 1),
        U32(IFLA_BOND_MIN_LINKS, 1), U8(IFLA_BOND_ALL_SLAVES_ACTIVE, 1), NOTHING,
};
static const Given lacp[] = {
        U8(IFLA_BOND_MODE, 4), U32(IFLA_BOND_MIIMON, 100), U8(IFLA_BOND_AD_LACP_RATE, 1), U8(IFLA_BOND_AD_SELECT, 2),
        U16(IFLA_BOND_AD_ACTOR_SYS_PRIO, 1234), U16(IFLA_BOND_AD_USER_PORT_KEY, 77), U8(IFLA_BOND_XMIT_HASH_POLICY, 2),
        U32(IFLA_BOND_MIN_LINKS, 1), NOTHING,
};
static const Given watched_by_nobody[] = { U8(IFLA_BOND_MODE, 4), NOTHING };

/* Slaves are down when they come. */
static bool begin_with_bond(const Given *options) {
        if (!made_begin() || !is_supported(make("bond", "bond", NULL, options), "bond"))
                return false;
        link_new_wired("a");
        link_new_wired("b");
        down("a");
        down("b");
        ck_assert_int_eq(link_set("bond", IFLA_ADDRESS, MAC_1, 6), 0);
        ck_assert_int_eq(link_set_master("a", "bond"), 0);
        ck_assert_int_eq(link_set_master("b", "bond"), 0);
        up("bond");
        return true;
}

START_TEST(mode_active_backup) {
        if (!begin_with_bond(active_backup))
                return;
        ck_assert_int_eq(change("bond", "bond", (Given[]) { U32(IFLA_BOND_PRIMARY, index_of("b")), NOTHING }), 0);
        ck_assert_int_eq(change_port("bond", "a", (Given[]) { U16(IFLA_BOND_SLAVE_QUEUE_ID, 2), NOTHING }), 0);
        check_comes_back();
        network_end();
}
END_TEST

START_TEST(mode_active_backup_by_arp) {
        static const Given options[] = { U8(IFLA_BOND_MODE, 1), NOTHING };
        Making making;
        struct nlattr *targets;

        if (!begin_with_bond(options))
                return;
        making = making_begin("bond", "bond", NULL, true);
        must(nla_put_u32(making.m, IFLA_BOND_MIIMON, 0));
        must(nla_put_u32(making.m, IFLA_BOND_ARP_INTERVAL, 1000));
        targets = nla_nest_start(making.m, IFLA_BOND_ARP_IP_TARGET);
        must(nla_put_u32(making.m, 0, 0x0100000a));
        must(nla_put_u32(making.m, 1, 0x0200000a));
        (void) nla_nest_end(making.m, targets);
        must(nla_put_u32(making.m, IFLA_BOND_ARP_VALIDATE, 3));
        must(nla_put_u32(making.m, IFLA_BOND_ARP_ALL_TARGETS, 1));
        ck_assert_int_eq(making_end(&making), 0);
        check_comes_back();
        network_end();
}
END_TEST

START_TEST(mode_balance_xor) {
        if (!begin_with_bond(balance_xor))
                return;
        check_comes_back();
        network_end();
}
END_TEST

START_TEST(mode_8023ad) {
        if (!begin_with_bond(lacp))
                return;
        check_comes_back();
        network_end();
}
END_TEST

/* The kernel sets what the mode needs by itself, and what was set otherwise comes back all the same. */
START_TEST(mode_sets_other_options) {
        if (!begin_with_bond(watched_by_nobody))
                return;
        check_comes_back();
        ck_assert_int_eq(change("bond", "bond", (Given[]) { U32(IFLA_BOND_MIIMON, 0), NOTHING }), 0);
        check_comes_back();
        network_end();
}
END_TEST

/* One that somebody made already gets its options; but the mode is not for one that has slaves. */
START_TEST(present_is_adjusted) {
        _cleanup_(network_freep) Network *captured = NULL;
        Lines before;

        if (!begin_with_bond(lacp))
                return;
        before = made_snapshot();
        captured = capture_selected();
        delete_all();
        link_new_wired("a");
        link_new_wired("b");
        ck_assert_int_eq(make("bond", "bond", NULL, balance_xor), 0);
        up("bond");
        ck_assert_uint_gt(reconcile(captured, NULL), 0);
        ck_assert_uint_eq(reconcile(captured, NULL), 0);
        {
                Lines now = made_snapshot();

                ck_assert_uint_eq(count_missing(&before, &now, "bond", "lost"), 0);
                lines_clear(&now);
        }
        delete_all();
        link_new_wired("a");
        ck_assert_int_eq(make("bond", "bond", NULL, balance_xor), 0);
        down("a");
        ck_assert_int_eq(link_set_master("a", "bond"), 0);
        (void) reconcile(captured, "Cannot set the mode of bond: ");
        lines_clear(&before);
        network_end();
}
END_TEST

/* A VLAN on a bond, a bridge on that, and a macvlan on the bridge: each needs the one below. */
START_TEST(stack_of_all) {
        if (!begin_with_bond(active_backup))
                return;
        if (!is_supported(link_new("vlan", "bond.5", "bond", 5), "vlan") ||
                        !is_supported(make("bridge", "br", NULL, NULL), "bridge"))
                return;
        ck_assert_int_eq(link_set_master("bond.5", "br"), 0);
        ck_assert_int_eq(link_set_u32("bond", IFLA_MTU, 9000), 0);
        ck_assert_int_eq(link_set_u32("bond.5", IFLA_MTU, 8000), 0);
        if (is_supported(link_new("macvlan", "m", "br", 0), "macvlan"))
                up("m");
        up("br");
        up("bond.5");
        check_comes_back();
        network_end();
}
END_TEST

UNIT_MAIN("network-create-bonds", mode_active_backup, mode_active_backup_by_arp, mode_balance_xor, mode_8023ad,
                mode_sets_other_options, present_is_adjusted, stack_of_all)
