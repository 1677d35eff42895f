/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What can be set of each kind of link, and what cannot. Attributes that are not listed are set like others: a newer
 * kernel has more of them. Those newer than Linux 6.1 are given by number. */

#include <linux/if_link.h>
#include <string.h>

#include "host/network-links.h"

#define STATE { OPTION_STATE, NULL }

/* net/bridge/br_netlink.c, br_changelink() and br_fill_info() */
static const LinkOption bridge_options[] = {
        [IFLA_BR_FORWARD_DELAY] = { 0, "forward delay" },
        [IFLA_BR_HELLO_TIME] = { 0, "hello time" },
        [IFLA_BR_MAX_AGE] = { 0, "maximum age" },
        [IFLA_BR_AGEING_TIME] = { 0, "ageing time" },
        [IFLA_BR_STP_STATE] = { 0, "spanning tree state" },
        [IFLA_BR_PRIORITY] = { 0, "priority" },
        [IFLA_BR_VLAN_FILTERING] = { 0, "VLAN filtering" },
        [IFLA_BR_VLAN_PROTOCOL] = { 0, "VLAN protocol" },
        [IFLA_BR_GROUP_FWD_MASK] = { 0, "group forward mask" },
        [IFLA_BR_ROOT_ID] = STATE,
        [IFLA_BR_BRIDGE_ID] = STATE,
        [IFLA_BR_ROOT_PORT] = STATE,
        [IFLA_BR_ROOT_PATH_COST] = STATE,
        [IFLA_BR_TOPOLOGY_CHANGE] = STATE,
        [IFLA_BR_TOPOLOGY_CHANGE_DETECTED] = STATE,
        [IFLA_BR_HELLO_TIMER] = STATE,
        [IFLA_BR_TCN_TIMER] = STATE,
        [IFLA_BR_TOPOLOGY_CHANGE_TIMER] = STATE,
        [IFLA_BR_GC_TIMER] = STATE,
        [IFLA_BR_GROUP_ADDR] = { 0, "group address" },
        [IFLA_BR_FDB_FLUSH] = STATE,
        [IFLA_BR_MCAST_ROUTER] = { 0, "multicast router setting" },
        [IFLA_BR_MCAST_SNOOPING] = { 0, "multicast snooping" },
        [IFLA_BR_MCAST_QUERIER] = { 0, "multicast querier" },
        [IFLA_BR_MCAST_HASH_ELASTICITY] = STATE, /* it has none any more */
        [IFLA_BR_MCAST_HASH_MAX] = { 0, "multicast hash size" },
        [IFLA_BR_VLAN_DEFAULT_PVID] = { 0, "default PVID" },
        [IFLA_BR_PAD] = STATE,
        [IFLA_BR_MULTI_BOOLOPT] = { OPTION_BITS, "set of switches" },
        [IFLA_BR_MCAST_QUERIER_STATE] = STATE,
        [48] = STATE, /* IFLA_BR_FDB_N_LEARNED */
        [49] = { 0, "limit of learned addresses" },
};

/* net/bridge/br_netlink.c, br_setport() and br_port_fill_attrs() */
static const LinkOption bridge_port_options[] = {
        [IFLA_BRPORT_STATE] = STATE,
        [IFLA_BRPORT_PRIORITY] = { 0, "port priority" },
        [IFLA_BRPORT_COST] = { OPTION_CARRIER, "port cost" }, /* follows the speed (br_port_carrier_check()) */
        [IFLA_BRPORT_MODE] = { 0, "hairpin mode" },
        [IFLA_BRPORT_ROOT_ID] = STATE,
        [IFLA_BRPORT_BRIDGE_ID] = STATE,
        [IFLA_BRPORT_DESIGNATED_PORT] = STATE,
        [IFLA_BRPORT_DESIGNATED_COST] = STATE,
        [IFLA_BRPORT_ID] = STATE,
        [IFLA_BRPORT_NO] = STATE,
        [IFLA_BRPORT_TOPOLOGY_CHANGE_ACK] = STATE,
        [IFLA_BRPORT_CONFIG_PENDING] = STATE,
        [IFLA_BRPORT_MESSAGE_AGE_TIMER] = STATE,
        [IFLA_BRPORT_FORWARD_DELAY_TIMER] = STATE,
        [IFLA_BRPORT_HOLD_TIMER] = STATE,
        [IFLA_BRPORT_FLUSH] = STATE,
        [IFLA_BRPORT_PAD] = STATE,
        [IFLA_BRPORT_BACKUP_PORT] = { OPTION_INDEX | OPTION_LATE, "backup port" },
        [IFLA_BRPORT_MRP_RING_OPEN] = STATE,
        [IFLA_BRPORT_MRP_IN_OPEN] = STATE,
        [IFLA_BRPORT_MCAST_EHT_HOSTS_CNT] = STATE,
        [41] = STATE, /* IFLA_BRPORT_MCAST_N_GROUPS */
        [44] = { OPTION_LATE, "nexthop for backup" }, /* IFLA_BRPORT_BACKUP_NHID */
};

/* drivers/net/bonding/bond_netlink.c, bond_changelink(), which has the order in which they depend on each other */
static const LinkOption bond_options[] = {
        [IFLA_BOND_MODE] = { OPTION_FIRST, "mode" },
        [IFLA_BOND_ACTIVE_SLAVE] = { OPTION_INDEX | OPTION_LATE | OPTION_CARRIER, "active slave" },
        [IFLA_BOND_MIIMON] = { 0, "MII monitoring interval" },
        [IFLA_BOND_UPDELAY] = { 0, "up delay" },
        [IFLA_BOND_DOWNDELAY] = { 0, "down delay" },
        [IFLA_BOND_USE_CARRIER] = STATE, /* 1 since Linux 6.18, and nothing else can be set */
        [IFLA_BOND_ARP_INTERVAL] = { 0, "ARP monitoring interval" },
        [IFLA_BOND_ARP_IP_TARGET] = { OPTION_ITEMS, "ARP monitoring targets" },
        [IFLA_BOND_PRIMARY] = { OPTION_INDEX | OPTION_LATE, "primary slave" },
        [IFLA_BOND_FAIL_OVER_MAC] = { 0, "MAC address policy" },
        [IFLA_BOND_XMIT_HASH_POLICY] = { 0, "transmit hash policy" },
        [IFLA_BOND_AD_LACP_RATE] = { 0, "LACP rate" },
        [IFLA_BOND_AD_INFO] = STATE,
        [IFLA_BOND_NS_IP6_TARGET] = { OPTION_ITEMS, "neighbour solicitation targets" },
};

static const LinkOption bond_port_options[] = {
        [IFLA_BOND_SLAVE_STATE] = STATE,
        [IFLA_BOND_SLAVE_MII_STATUS] = STATE,
        [IFLA_BOND_SLAVE_LINK_FAILURE_COUNT] = STATE,
        [IFLA_BOND_SLAVE_PERM_HWADDR] = STATE,
        [IFLA_BOND_SLAVE_QUEUE_ID] = { 0, "queue" },
        [IFLA_BOND_SLAVE_AD_AGGREGATOR_ID] = STATE,
        [IFLA_BOND_SLAVE_AD_ACTOR_OPER_PORT_STATE] = STATE,
        [IFLA_BOND_SLAVE_AD_PARTNER_OPER_PORT_STATE] = STATE,
        [9] = { 0, "slave priority" },  /* IFLA_BOND_SLAVE_PRIO */
        [10] = { 0, "port priority" },  /* IFLA_BOND_SLAVE_ACTOR_PORT_PRIO */
        [11] = STATE,                   /* IFLA_BOND_SLAVE_AD_CHURN_ACTOR_STATE */
        [12] = STATE,                   /* IFLA_BOND_SLAVE_AD_CHURN_PARTNER_STATE */
};

static const LinkOption vrf_port_options[] = { [IFLA_VRF_PORT_TABLE] = STATE };

/* net/8021q/vlan_netlink.c */
static const LinkOption vlan_options[] = {
        [IFLA_VLAN_ID] = { OPTION_CREATE, "VLAN number" },
        [IFLA_VLAN_FLAGS] = { OPTION_BITS, "flags" },
        [IFLA_VLAN_EGRESS_QOS] = { OPTION_ITEMS, "egress priority map" },
        [IFLA_VLAN_INGRESS_QOS] = { OPTION_ITEMS, "ingress priority map" },
        [IFLA_VLAN_PROTOCOL] = { OPTION_CREATE, "VLAN protocol" },
};

/* drivers/net/vxlan/vxlan_core.c, vxlan_nl2conf(). Some flags come as a byte and are taken for set whatever it says
 * (TTL_INHERIT), or reserve a header's bits by being there (REMCSUM_RX). */
static const LinkOption vxlan_options[] = {
        [IFLA_VXLAN_ID] = { OPTION_CREATE, "VNI" },
        [IFLA_VXLAN_GROUP] = { 0, "group" },
        [IFLA_VXLAN_LINK] = { OPTION_INDEX, "underlying interface" },
        [IFLA_VXLAN_LOCAL] = { 0, "local address" },
        [IFLA_VXLAN_AGEING] = { 0, "ageing time" },
        [IFLA_VXLAN_LIMIT] = { OPTION_CREATE, "limit of addresses" },
        [IFLA_VXLAN_PORT_RANGE] = { OPTION_CREATE, "range of source ports" },
        [IFLA_VXLAN_PROXY] = { OPTION_CREATE | OPTION_IF_SET, "ARP proxy" },
        [IFLA_VXLAN_RSC] = { OPTION_CREATE | OPTION_IF_SET, "route short-circuit" },
        [IFLA_VXLAN_L2MISS] = { OPTION_CREATE | OPTION_IF_SET, "L2 miss notification" },
        [IFLA_VXLAN_L3MISS] = { OPTION_CREATE | OPTION_IF_SET, "L3 miss notification" },
        [IFLA_VXLAN_PORT] = { OPTION_CREATE, "port" },
        [IFLA_VXLAN_GROUP6] = { 0, "group" },
        [IFLA_VXLAN_LOCAL6] = { 0, "local address" },
        [IFLA_VXLAN_UDP_CSUM] = { OPTION_CREATE, "UDP checksum" },
        [IFLA_VXLAN_UDP_ZERO_CSUM6_TX] = { OPTION_CREATE | OPTION_IF_SET, "UDP checksum" },
        [IFLA_VXLAN_UDP_ZERO_CSUM6_RX] = { OPTION_CREATE | OPTION_IF_SET, "UDP checksum" },
        [IFLA_VXLAN_REMCSUM_TX] = { OPTION_CREATE | OPTION_IF_SET, "remote checksum" },
        [IFLA_VXLAN_REMCSUM_RX] = { OPTION_CREATE | OPTION_IF_SET, "remote checksum" },
        [IFLA_VXLAN_GBP] = { OPTION_CREATE, "group policy" },
        [IFLA_VXLAN_REMCSUM_NOPARTIAL] = { OPTION_CREATE, "remote checksum" },
        [IFLA_VXLAN_COLLECT_METADATA] = { OPTION_CREATE | OPTION_IF_SET, "external control" },
        [IFLA_VXLAN_GPE] = { OPTION_CREATE, "protocol extension" },
        [IFLA_VXLAN_TTL_INHERIT] = { OPTION_CREATE | OPTION_IF_SET | OPTION_EMPTY, "inheritance of the TTL" },
        [IFLA_VXLAN_VNIFILTER] = { OPTION_CREATE | OPTION_IF_SET, "VNI filter" },
        [33] = { OPTION_CREATE, "reserved bits" }, /* IFLA_VXLAN_RESERVED_BITS */
};

/* drivers/net/macvlan.c. Whether the mode can be changed depends on it. */
static const LinkOption macvlan_options[] = {
        [IFLA_MACVLAN_MODE] = { 0, "mode" },
        [IFLA_MACVLAN_FLAGS] = { 0, "flags" },
        [IFLA_MACVLAN_MACADDR_MODE] = STATE,
        [IFLA_MACVLAN_MACADDR] = STATE,
        [IFLA_MACVLAN_MACADDR_DATA] = { OPTION_ITEMS, "source addresses" },
        [IFLA_MACVLAN_MACADDR_COUNT] = STATE,
        [IFLA_MACVLAN_BC_QUEUE_LEN] = { 0, "broadcast queue length" },
        [IFLA_MACVLAN_BC_QUEUE_LEN_USED] = STATE,
};

static const LinkOption vrf_options[] = { [IFLA_VRF_TABLE] = { OPTION_CREATE, "table" } };

/* Made and set through /dev/net/tun. */
static const LinkOption tun_options[] = {
        [IFLA_TUN_OWNER] = STATE, [IFLA_TUN_GROUP] = STATE, [IFLA_TUN_TYPE] = { OPTION_CREATE, "type" },
        [IFLA_TUN_PI] = STATE, [IFLA_TUN_VNET_HDR] = STATE, [IFLA_TUN_PERSIST] = STATE,
        [IFLA_TUN_MULTI_QUEUE] = { OPTION_CREATE, "kind of queues" },
        [IFLA_TUN_NUM_QUEUES] = STATE, [IFLA_TUN_NUM_DISABLED_QUEUES] = STATE,
};

/* net/hsr/hsr_netlink.c; the version is not told, but for PRP's protocol */
static const LinkOption hsr_options[] = {
        [IFLA_HSR_SLAVE1] = { OPTION_CREATE | OPTION_INDEX, "first port" },
        [IFLA_HSR_SLAVE2] = { OPTION_CREATE | OPTION_INDEX, "second port" },
        [IFLA_HSR_SUPERVISION_ADDR] = STATE,
        [IFLA_HSR_SEQ_NR] = STATE,
};

/* All of the tunnels have it in the same place: IFLA_IPTUN_LINK, IFLA_GRE_LINK, IFLA_VTI_LINK. Their header,
 * linux/if_tunnel.h, does not go with net/if.h. */
static const LinkOption tunnel_options[] = { [1] = { OPTION_INDEX, "underlying interface" } };
static const LinkOption xfrm_options[] = {
        [IFLA_XFRM_LINK] = { OPTION_INDEX | OPTION_CREATE, "underlying interface" },
};

#define OPTIONS(table) .options = (table), .n_options = ELEMENTSOF(table)
#define TUNNEL(kind) { .name = (kind), OPTIONS(tunnel_options), .gives_all = true, .is_whole = true }
#define NOT_CARRIED(kind, why) { .name = (kind), .not_carried = (why) }

static const LinkKind kinds[] = {
        { .name = "bridge", OPTIONS(bridge_options) },
        { .name = "bond", OPTIONS(bond_options) },
        { .name = "vlan", OPTIONS(vlan_options), .gives_all = true, .has_lower = true },
        { .name = "vxlan", OPTIONS(vxlan_options), .gives_all = true },
        { .name = "macvlan", OPTIONS(macvlan_options), .gives_all = true, .has_lower = true,
          .has_sources = true },
        { .name = "macvtap", OPTIONS(macvlan_options), .gives_all = true, .has_lower = true,
          .has_sources = true },
        { .name = "ipvlan", .gives_all = true, .has_lower = true },
        { .name = "ipvtap", .gives_all = true, .has_lower = true },
        { .name = "vrf", OPTIONS(vrf_options) },
        { .name = "tun", OPTIONS(tun_options) },
        { .name = "hsr", OPTIONS(hsr_options), .gives_all = true },
        TUNNEL("ipip"), TUNNEL("sit"), TUNNEL("ip6tnl"), TUNNEL("gre"), TUNNEL("gretap"), TUNNEL("erspan"),
        TUNNEL("ip6gre"), TUNNEL("ip6gretap"), TUNNEL("ip6erspan"), TUNNEL("vti"), TUNNEL("vti6"),
        { .name = "xfrm", OPTIONS(xfrm_options), .gives_all = true },
        { .name = "dummy" }, { .name = "ifb" }, { .name = "nlmon" }, { .name = "veth" },
        { .name = "geneve", .gives_all = true, .is_whole = true },
        NOT_CARRIED("wireguard", "its keys are not told by rtnetlink"),
        NOT_CARRIED("macsec", "its keys are not told by rtnetlink"),
        NOT_CARRIED("team", "its options are its daemon's"),
        NOT_CARRIED("openvswitch", "it is its daemon's"),
        NOT_CARRIED("batadv", "its options are not told by rtnetlink"),
        NOT_CARRIED("gtp", "it belongs to the sockets of a process"),
        NOT_CARRIED("ppp", "it belongs to a process"),
        NOT_CARRIED("ovpn", "it belongs to a process"),
        NOT_CARRIED("netkit", "its other end and its programs are not told by rtnetlink"),
};

static const LinkKind port_kinds[] = {
        { .name = "bridge", OPTIONS(bridge_port_options) },
        { .name = "bond", OPTIONS(bond_port_options) },
        { .name = "vrf", OPTIONS(vrf_port_options) },
};

static const LinkKind *find(const LinkKind *table, size_t n, const char *name, const LinkKind *otherwise) {
        for (size_t i = 0; name && i < n; i++)
                if (strcmp(table[i].name, name) == 0)
                        return &table[i];
        return otherwise;
}

const LinkKind *link_kind(const char *name) {
        static const LinkKind unknown = { .gives_all = true, .is_whole = true };

        return find(kinds, ELEMENTSOF(kinds), name, &unknown);
}

const LinkKind *link_port_kind(const char *name) {
        return find(port_kinds, ELEMENTSOF(port_kinds), name, NULL);
}

const LinkOption *link_option(const LinkKind *kind, int type) {
        static const LinkOption unknown = {};

        return (size_t) type < kind->n_options ? &kind->options[type] : &unknown;
}
