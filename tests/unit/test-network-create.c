/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Links that are gone are made anew, each kind with what can be set of it. */

#include "network-made.h"

#define MAC_1 "\x02\0\0\0\0\x01"
#define MAC_2 "\x02\0\0\0\0\x02"

static const Given bridge_options[] = {
        U32(IFLA_BR_FORWARD_DELAY, 400), U32(IFLA_BR_HELLO_TIME, 300), U32(IFLA_BR_MAX_AGE, 900),
        U32(IFLA_BR_AGEING_TIME, 12300), U16(IFLA_BR_PRIORITY, 0x7000), U16(IFLA_BR_GROUP_FWD_MASK, 8),
        U8(IFLA_BR_NF_CALL_IPTABLES, 1), U8(IFLA_BR_NF_CALL_IP6TABLES, 1), U32(IFLA_BR_STP_STATE, 1),
        U8(IFLA_BR_MCAST_SNOOPING, 0), U64(IFLA_BR_MCAST_QUERY_INTVL, 7000), U32(IFLA_BR_MCAST_HASH_MAX, 1024),
        NOTHING,
};

static const Given port_options[] = {
        U32(IFLA_BRPORT_COST, 77), U16(IFLA_BRPORT_PRIORITY, 17), U8(IFLA_BRPORT_MODE, 1),
        U8(IFLA_BRPORT_ISOLATED, 1), U8(IFLA_BRPORT_LEARNING, 0), U8(IFLA_BRPORT_NEIGH_SUPPRESS, 1),
        U8(IFLA_BRPORT_UNICAST_FLOOD, 0), U8(IFLA_BRPORT_FAST_LEAVE, 1), U8(IFLA_BRPORT_MULTICAST_ROUTER, 2), NOTHING,
};

START_TEST(bridge) {
        Given backup[] = { U32(IFLA_BRPORT_BACKUP_PORT, 0), NOTHING };

        if (!made_begin() || !is_supported(make("bridge", "br", NULL, bridge_options), "bridge"))
                return;
        ck_assert_int_eq(link_set("br", IFLA_ADDRESS, MAC_1, 6), 0);
        ck_assert_int_eq(link_set_u32("br", IFLA_TXQLEN, 123), 0);
        ck_assert_int_eq(link_set_u32("br", IFLA_GROUP, 7), 0);
        ck_assert_int_eq(link_set("br", IFLA_IFALIAS, "the one", 7), 0);
        altname_new("br", "another-name-for-it");
        altname_new("br", "br-second");
        link_new_wired("a");
        link_new_wired("b");
        ck_assert_int_eq(link_set_master("a", "br"), 0);
        ck_assert_int_eq(link_set_master("b", "br"), 0);
        ck_assert_int_eq(change_port("bridge", "a", port_options), 0);
        backup[0].value = index_of("b");
        ck_assert_int_eq(change_port("bridge", "a", backup), 0);
        up("br");
        check_comes_back();
        network_end();
}
END_TEST

START_TEST(bridge_that_knows_vlans) {
        static const Given options[] = { U8(IFLA_BR_VLAN_FILTERING, 1), NOTHING };

        if (!made_begin() || !is_supported(make("bridge", "br", NULL, options), "bridge that knows VLANs"))
                return;
        link_new_wired("a");
        link_new_wired("b");
        link_new_wired("c");
        ck_assert_int_eq(link_set_master("a", "br"), 0);
        ck_assert_int_eq(link_set_master("b", "br"), 0);
        ck_assert_int_eq(link_set_master("c", "br"), 0);
        vlans_do(RTM_SETLINK, "a", false, 100, 300, 0);
        vlans_do(RTM_SETLINK, "a", false, 50, 50, BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED);
        vlans_do(RTM_SETLINK, "a", false, 4094, 4094, 0);
        vlans_do(RTM_DELLINK, "a", false, 1, 1, 0);
        vlans_do(RTM_DELLINK, "b", false, 1, 1, 0);
        vlans_do(RTM_SETLINK, "br", true, 50, 60, BRIDGE_VLAN_INFO_UNTAGGED);
        vlans_do(RTM_DELLINK, "br", true, 1, 1, 0);
        up("br");
        check_comes_back();

        /* Another default, which none of them has. */
        ck_assert_int_eq(change("bridge", "br", (Given[]) { U16(IFLA_BR_VLAN_DEFAULT_PVID, 0), NOTHING }), 0);
        check_comes_back();
        ck_assert_int_eq(change("bridge", "br", (Given[]) { U16(IFLA_BR_VLAN_DEFAULT_PVID, 9), NOTHING }), 0);
        vlans_do(RTM_SETLINK, "b", false, 1, 1, 0);
        check_comes_back();
        network_end();
}
END_TEST

START_TEST(vlan_tunnels) {
        static const Given options[] = { U8(IFLA_BR_VLAN_FILTERING, 1), NOTHING };
        static const Given tunnels[] = { U8(IFLA_VXLAN_COLLECT_METADATA, 1), U8(IFLA_VXLAN_LEARNING, 0), NOTHING };
        struct ifinfomsg body = { .ifi_family = AF_BRIDGE };
        struct nlattr *spec, *nest;
        struct nl_msg *m;

        if (!made_begin() || !is_supported(make("bridge", "br", NULL, options), "bridge that knows VLANs") ||
                        !is_supported(make("vxlan", "vx", NULL, tunnels), "vxlan"))
                return;
        ck_assert_int_eq(link_set_master("vx", "br"), 0);
        ck_assert_int_eq(change_port("bridge", "vx", (Given[]) { U8(IFLA_BRPORT_VLAN_TUNNEL, 1), NOTHING }), 0);
        vlans_do(RTM_SETLINK, "vx", false, 10, 20, 0);
        body.ifi_index = (int) index_of("vx");
        m = request_new(RTM_SETLINK, 0, &body, sizeof(body), 256);
        spec = nla_nest_start(m, IFLA_AF_SPEC);
        for (unsigned i = 0; i < 2; i++) {
                nest = nla_nest_start(m, IFLA_BRIDGE_VLAN_TUNNEL_INFO);
                must(nla_put_u32(m, IFLA_BRIDGE_VLAN_TUNNEL_ID, 5000 + 3 * i));
                must(nla_put_u16(m, IFLA_BRIDGE_VLAN_TUNNEL_VID, (uint16_t) (12 + 3 * i)));
                must(nla_put_u16(m, IFLA_BRIDGE_VLAN_TUNNEL_FLAGS,
                                i == 0 ? BRIDGE_VLAN_INFO_RANGE_BEGIN : BRIDGE_VLAN_INFO_RANGE_END));
                (void) nla_nest_end(m, nest);
        }
        (void) nla_nest_end(m, spec);
        ck_assert_int_eq(ask(m), 0);
        check_comes_back();
        network_end();
}
END_TEST

START_TEST(vlan) {
        static const Given other_protocol[] = { U16(IFLA_VLAN_ID, 8), U16(IFLA_VLAN_PROTOCOL, 0xa888), NOTHING };
        struct ifla_vlan_flags flags = { .flags = VLAN_FLAG_GVRP | VLAN_FLAG_LOOSE_BINDING, .mask = 0x1f };
        struct ifla_vlan_qos_mapping maps[] = { { .from = 3, .to = 5 }, { .from = 9, .to = 2 } };
        struct nlattr *nest;
        Making making;

        if (!made_begin())
                return;
        link_new_wired("a");
        making = making_begin("vlan", "a.7", "a", false);
        must(nla_put_u16(making.m, IFLA_VLAN_ID, 7));
        must(nla_put(making.m, IFLA_VLAN_FLAGS, sizeof(flags), &flags));
        nest = nla_nest_start(making.m, IFLA_VLAN_EGRESS_QOS);
        for (size_t i = 0; i < ELEMENTSOF(maps); i++)
                must(nla_put(making.m, IFLA_VLAN_QOS_MAPPING, sizeof(maps[i]), &maps[i]));
        (void) nla_nest_end(making.m, nest);
        if (!is_supported(making_end(&making), "vlan"))
                return;
        /* One within it, of the other protocol; one with a MAC of its own; one without any flag. */
        ck_assert_int_eq(make("vlan", "q", "a.7", other_protocol), 0);
        ck_assert_int_eq(link_new("vlan", "own", "a", 9), 0);
        ck_assert_int_eq(link_set("own", IFLA_ADDRESS, MAC_2, 6), 0);
        ck_assert_int_eq(link_set_u32("own", IFLA_MTU, 1400), 0);
        ck_assert_int_eq(change("vlan", "own", (Given[]) { U64(IFLA_VLAN_FLAGS, 0x1f00000000), NOTHING }), 0);
        up("a.7");
        check_comes_back();
        network_end();
}
END_TEST

START_TEST(vxlan) {
        static const Given plain[] = {
                U32(IFLA_VXLAN_ID, 42), U16(IFLA_VXLAN_PORT, 0xb512), U8(IFLA_VXLAN_TTL, 9), U8(IFLA_VXLAN_TOS, 4),
                U32(IFLA_VXLAN_AGEING, 77), U32(IFLA_VXLAN_LIMIT, 1000), U8(IFLA_VXLAN_PROXY, 1),
                U8(IFLA_VXLAN_L2MISS, 1), U8(IFLA_VXLAN_LEARNING, 0), U32(IFLA_VXLAN_PORT_RANGE, 0x204e1027),
                U32(IFLA_VXLAN_LOCAL, 0x0100000a), { IFLA_VXLAN_GBP, 0, 0 }, U8(IFLA_VXLAN_UDP_ZERO_CSUM6_RX, 1),
                NOTHING,
        };
        static const Given external[] = {
                U8(IFLA_VXLAN_COLLECT_METADATA, 1), U16(IFLA_VXLAN_PORT, 0xb612), { IFLA_VXLAN_TTL_INHERIT, 0, 0 },
                NOTHING,
        };
        Given group[] = {
                U32(IFLA_VXLAN_LINK, 0), U32(IFLA_VXLAN_ID, 43), U32(IFLA_VXLAN_GROUP, 0x010000ef),
                U16(IFLA_VXLAN_PORT, 0xb712), NOTHING,
        };

        if (!made_begin() || !is_supported(make("vxlan", "vx", NULL, plain), "vxlan"))
                return;
        link_new_wired("a");
        group[0].value = index_of("a");
        ck_assert_int_eq(make("vxlan", "group", NULL, group), 0);
        ck_assert_int_eq(make("vxlan", "ext", NULL, external), 0);
        ck_assert_int_eq(link_set("vx", IFLA_ADDRESS, MAC_1, 6), 0);
        ck_assert_int_eq(link_set_u32("vx", IFLA_MTU, 1300), 0);
        check_comes_back();
        network_end();
}
END_TEST

static int make_source_mode(const char *kind, const char *name) {
        Making making = making_begin(kind, name, "a", false);
        struct nlattr *list;

        must(nla_put_u32(making.m, IFLA_MACVLAN_MODE, MACVLAN_MODE_SOURCE));
        must(nla_put_u32(making.m, IFLA_MACVLAN_MACADDR_MODE, MACVLAN_MACADDR_SET));
        list = nla_nest_start(making.m, IFLA_MACVLAN_MACADDR_DATA);
        must(nla_put(making.m, IFLA_MACVLAN_MACADDR, 6, MAC_1));
        must(nla_put(making.m, IFLA_MACVLAN_MACADDR, 6, MAC_2));
        (void) nla_nest_end(making.m, list);
        return making_end(&making);
}

static void macvlans_of(const char *kind) {
        static const Given bridged[] = { U32(IFLA_MACVLAN_MODE, MACVLAN_MODE_BRIDGE), NOTHING };

        if (!made_begin())
                return;
        link_new_wired("a");
        link_new_wired("b");
        if (!is_supported(make(kind, "private", "a", (Given[]) { U32(IFLA_MACVLAN_MODE, MACVLAN_MODE_PRIVATE),
                                       U32(IFLA_MACVLAN_BC_QUEUE_LEN, 2000), NOTHING }), kind))
                return;
        ck_assert_int_eq(make(kind, "bridged", "a", bridged), 0);
        ck_assert_int_eq(make(kind, "through", "b", (Given[]) { U32(IFLA_MACVLAN_MODE, MACVLAN_MODE_PASSTHRU),
                                         U16(IFLA_MACVLAN_FLAGS, MACVLAN_FLAG_NOPROMISC), NOTHING }), 0);
        ck_assert_int_eq(make_source_mode(kind, "source"), 0);
        ck_assert_int_eq(link_set("bridged", IFLA_ADDRESS, "\x02\0\0\0\x07\x01", 6), 0);
        up("bridged");
        check_comes_back();
        network_end();
}

START_TEST(macvlan) {
        macvlans_of("macvlan");
}
END_TEST

START_TEST(macvtap) {
        macvlans_of("macvtap");
}
END_TEST

START_TEST(ipvlan) {
        if (!made_begin())
                return;
        link_new_wired("a");
        if (!is_supported(make("ipvlan", "ip", "a", (Given[]) { U16(IFLA_IPVLAN_MODE, IPVLAN_MODE_L3),
                                       U16(IFLA_IPVLAN_FLAGS, IPVLAN_F_PRIVATE), NOTHING }), "ipvlan"))
                return;
        up("ip");
        check_comes_back();
        network_end();
}
END_TEST

START_TEST(simple_kinds) {
        if (!made_begin())
                return;
        if (is_supported(link_new("dummy", "dummy", NULL, 0), "dummy")) {
                ck_assert_int_eq(link_set("dummy", IFLA_ADDRESS, MAC_1, 6), 0);
                ck_assert_int_eq(link_set_u32("dummy", IFLA_MTU, 9000), 0);
                up("dummy");
        }
        if (is_supported(link_new("ifb", "ifb", NULL, 0), "ifb"))
                up("ifb");
        link_new_wired("a");
        if (is_supported(make("vrf", "vrf", NULL, (Given[]) { U32(IFLA_VRF_TABLE, 1234), NOTHING }), "vrf")) {
                up("vrf");
                ck_assert_int_eq(link_set_master("a", "vrf"), 0);
        }
        if (is_supported(make("gre", "tunnel", NULL, (Given[]) { U32(4 /* IFLA_GRE_IKEY */, 7), U32(6, 0x0100000a),
                                      U32(7, 0x0200000a), U8(8, 64), NOTHING }), "gre"))
                up("tunnel");
        check_comes_back();
        network_end();
}
END_TEST

START_TEST(veth) {
        if (!made_begin())
                return;
        link_new_wired("a");
        link_new_wired("b");
        ck_assert_int_eq(link_set_u32("a", IFLA_MTU, 9000), 0);
        ck_assert_int_eq(link_set_u32("ap", IFLA_MTU, 1400), 0);
        ck_assert_int_eq(link_set("ap", IFLA_ADDRESS, MAC_1, 6), 0);
        down("b");
        check_comes_back();
        network_end();
}
END_TEST

START_TEST(taps) {
        int fd;

        if (!made_begin())
                return;
        fd = tap_open("tap", IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE);
        if (fd < 0)
                return;
        if (ioctl(fd, TUNSETOWNER, 1000UL) < 0 || ioctl(fd, TUNSETGROUP, 1001UL) < 0) {
                printf("# SKIP: no other users here (%m)\n");
                return;
        }
        ck_assert_int_eq(ioctl(fd, TUNSETPERSIST, 1UL), 0);
        close(fd);
        fd = tap_open("tun", IFF_TUN);
        ck_assert_int_eq(ioctl(fd, TUNSETPERSIST, 1UL), 0);
        close(fd);
        ck_assert_int_eq(link_set("tap", IFLA_ADDRESS, MAC_1, 6), 0);
        ck_assert_int_eq(link_set_u32("tap", IFLA_TXQLEN, 77), 0);
        ck_assert_int_eq(link_set_u32("tap", IFLA_MTU, 1450), 0);
        if (is_supported(link_new("bridge", "br", NULL, 0), "bridge"))
                ck_assert_int_eq(link_set_master("tap", "br"), 0);
        up("tap");
        check_comes_back();
        network_end();
}
END_TEST

UNIT_MAIN("network-create", bridge, bridge_that_knows_vlans, vlan_tunnels, vlan, vxlan, macvlan, macvtap, ipvlan,
                simple_kinds, veth, taps)
