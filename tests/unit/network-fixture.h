/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A network namespace of the test's own, interfaces and all in it made through netlink, and what it looks like as text
 * in which nothing but names stands for interfaces. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/nexthop.h>
#include <linux/veth.h>
#include <netlink/attr.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include "basic/io.h"
#include "host/network-internal.h"
#include "unit.h"

static struct nl_sock *kernel;

/* making */

static inline void set_sysctl(const char *path, const char *value) {
        (void) write_file(path, value); /* not there: no IPv6 */
}

static inline int ask(struct nl_msg *m) {
        int r = netlink_request_one(kernel, m);

        nlmsg_free(m);
        return r;
}

#define must(what) ck_assert_msg((what) >= 0, "%s failed", #what)

static inline unsigned index_of(const char *name) {
        unsigned index = if_nametoindex(name);

        ck_assert_msg(index != 0, "no interface %s", name);
        return index;
}

static inline int link_set(const char *name, int type, const void *data, size_t size) {
        struct ifinfomsg body = { .ifi_index = (int) index_of(name) };
        struct nl_msg *m = request_new(RTM_SETLINK, 0, &body, sizeof(body), 4096);

        must(nla_put(m, type, (int) size, data));
        return ask(m);
}

static inline int link_set_u32(const char *name, int type, uint32_t value) {
        return link_set(name, type, &value, sizeof(value));
}

static inline int link_set_master(const char *name, const char *master) {
        return link_set_u32(name, IFLA_MASTER, index_of(master));
}

static inline void up(const char *name) {
        ck_assert_int_eq(network_link_set_up(index_of(name), true), 0);
}

static inline void down(const char *name) {
        ck_assert_int_eq(network_link_set_up(index_of(name), false), 0);
}

/* -EOPNOTSUPP: this kernel has none. `lower` NULL: on nothing; `id` 0: none (of a VLAN). */
static inline int link_new(const char *kind, const char *name, const char *lower, uint16_t id) {
        struct ifinfomsg body = {};
        struct nl_msg *m = request_new(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body), 4096);
        struct nlattr *info, *data;

        must(nla_put_string(m, IFLA_IFNAME, name));
        if (lower)
                must(nla_put_u32(m, IFLA_LINK, index_of(lower)));
        info = nla_nest_start(m, IFLA_LINKINFO);
        must(nla_put_string(m, IFLA_INFO_KIND, kind));
        if (id != 0) {
                data = nla_nest_start(m, IFLA_INFO_DATA);
                must(nla_put_u16(m, IFLA_VLAN_ID, id));
                (void) nla_nest_end(m, data);
        }
        (void) nla_nest_end(m, info);
        return ask(m);
}

/* Like hardware with a cable in it: NAME, whose other end is NAMEp, both up. */
static inline void link_new_wired(const char *name) {
        struct ifinfomsg body = {};
        struct nl_msg *m = request_new(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body), 4096);
        struct nlattr *info, *data, *peer;
        char other[IFNAMSIZ];

        (void) snprintf(other, sizeof(other), "%.13sp", name);
        must(nla_put_string(m, IFLA_IFNAME, name));
        info = nla_nest_start(m, IFLA_LINKINFO);
        must(nla_put_string(m, IFLA_INFO_KIND, "veth"));
        data = nla_nest_start(m, IFLA_INFO_DATA);
        peer = nla_nest_start(m, VETH_INFO_PEER);
        must(nlmsg_append(m, &body, sizeof(body), 4));
        must(nla_put_string(m, IFLA_IFNAME, other));
        (void) nla_nest_end(m, peer);
        (void) nla_nest_end(m, data);
        (void) nla_nest_end(m, info);
        ck_assert_int_eq(ask(m), 0);
        up(other);
        up(name);
}

static inline void link_delete(const char *name) {
        struct ifinfomsg body = { .ifi_index = (int) index_of(name) };

        ck_assert_int_eq(ask(request_new(RTM_DELLINK, 0, &body, sizeof(body), 0)), 0);
}

/* "10.1.0.1" or "fd00::1" as bytes. */
static inline uint8_t put_address(struct nl_msg *m, int type, const char *text) {
        bool is_6 = strchr(text, ':');
        unsigned char bytes[16];

        ck_assert_int_eq(inet_pton(is_6 ? AF_INET6 : AF_INET, text, bytes), 1);
        must(nla_put(m, type, is_6 ? 16 : 4, bytes));
        return is_6 ? AF_INET6 : AF_INET;
}

/* `valid` 0: for ever. */
static inline void address_new(const char *name, const char *address, uint8_t length, uint32_t flags, uint32_t valid,
                uint32_t preferred) {
        struct ifa_cacheinfo info = { .ifa_valid = valid, .ifa_prefered = preferred };
        struct ifaddrmsg body = { .ifa_prefixlen = length, .ifa_index = index_of(name) };
        struct nl_msg *m = request_new(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body), 4096);

        ((struct ifaddrmsg *) nlmsg_data(nlmsg_hdr(m)))->ifa_family = put_address(m, IFA_LOCAL, address);
        (void) put_address(m, IFA_ADDRESS, address);
        must(nla_put_u32(m, IFA_FLAGS, flags));
        if (valid != 0)
                must(nla_put(m, IFA_CACHEINFO, sizeof(info), &info));
        ck_assert_int_eq(ask(m), 0);
}

static inline void address_delete(const char *name, const char *address, uint8_t length) {
        struct ifaddrmsg body = { .ifa_prefixlen = length, .ifa_index = index_of(name) };
        struct nl_msg *m = request_new(RTM_DELADDR, 0, &body, sizeof(body), 4096);

        ((struct ifaddrmsg *) nlmsg_data(nlmsg_hdr(m)))->ifa_family = put_address(m, IFA_LOCAL, address);
        ck_assert_int_eq(ask(m), 0);
}

typedef struct Route {
        const char *to, *dev, *gateway, *prefer;
        uint8_t length, type, protocol, scope, tos;
        uint32_t table, metric, mtu, expires, nexthop;
        struct Leg {
                const char *dev, *gateway;
                uint8_t weight;
        } legs[4];
} Route;

static inline void put_legs(struct nl_msg *m, const Route *route) {
        struct nlattr *nest = nla_nest_start(m, RTA_MULTIPATH);

        for (size_t i = 0; i < ELEMENTSOF(route->legs) && route->legs[i].dev; i++) {
                struct rtnexthop *leg = nlmsg_reserve(m, sizeof(*leg), 4);
                unsigned char *end;

                *leg = (struct rtnexthop) {
                        .rtnh_ifindex = (int) index_of(route->legs[i].dev), .rtnh_hops = route->legs[i].weight,
                };
                (void) put_address(m, RTA_GATEWAY, route->legs[i].gateway);
                end = nlmsg_tail(nlmsg_hdr(m));
                leg->rtnh_len = (unsigned short) (end - (unsigned char *) leg);
        }
        (void) nla_nest_end(m, nest);
}

static inline int route_do(uint16_t what, uint16_t flags, const Route *route) {
        struct rtmsg body = {
                .rtm_dst_len = route->length,
                .rtm_table = RT_TABLE_MAIN,
                .rtm_protocol = route->protocol ?: RTPROT_STATIC,
                .rtm_scope = route->scope,
                .rtm_type = route->type ?: RTN_UNICAST,
                .rtm_tos = route->tos,
        };
        struct nl_msg *m = request_new(what, flags, &body, sizeof(body), 4096);
        struct nlattr *metrics;

        ((struct rtmsg *) nlmsg_data(nlmsg_hdr(m)))->rtm_family = put_address(m, RTA_DST, route->to);
        if (route->dev)
                must(nla_put_u32(m, RTA_OIF, index_of(route->dev)));
        if (route->gateway)
                (void) put_address(m, RTA_GATEWAY, route->gateway);
        if (route->prefer)
                (void) put_address(m, RTA_PREFSRC, route->prefer);
        if (route->table != 0)
                must(nla_put_u32(m, RTA_TABLE, route->table));
        if (route->metric != 0)
                must(nla_put_u32(m, RTA_PRIORITY, route->metric));
        if (route->expires != 0)
                must(nla_put_u32(m, RTA_EXPIRES, route->expires));
        if (route->nexthop != 0)
                must(nla_put_u32(m, RTA_NH_ID, route->nexthop));
        if (route->mtu != 0) {
                metrics = nla_nest_start(m, RTA_METRICS);
                must(nla_put_u32(m, RTAX_MTU, route->mtu));
                (void) nla_nest_end(m, metrics);
        }
        if (route->legs[0].dev)
                put_legs(m, route);
        return ask(m);
}

#define route_new(...)                                                                                       \
        ck_assert_int_eq(route_do(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND, &(Route) { __VA_ARGS__ }), 0)
#define route_delete(...) ck_assert_int_eq(route_do(RTM_DELROUTE, 0, &(Route) { __VA_ARGS__ }), 0)

/* `mac` of 6 bytes. */
static inline void neighbour_new(const char *name, const char *address, const char *mac, uint16_t state,
                uint8_t flags) {
        struct ndmsg body = { .ndm_ifindex = (int) index_of(name), .ndm_state = state, .ndm_flags = flags };
        struct nl_msg *m = request_new(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &body, sizeof(body), 4096);

        ((struct ndmsg *) nlmsg_data(nlmsg_hdr(m)))->ndm_family = put_address(m, NDA_DST, address);
        if (mac)
                must(nla_put(m, NDA_LLADDR, 6, mac));
        ck_assert_int_eq(ask(m), 0);
}

static inline void fdb_do(uint16_t what, const char *name, const char *mac) {
        struct ndmsg body = {
                .ndm_family = AF_BRIDGE, .ndm_ifindex = (int) index_of(name), .ndm_state = NUD_NOARP,
                .ndm_flags = NTF_MASTER,
        };
        struct nl_msg *m = request_new(what, what == RTM_NEWNEIGH ? NLM_F_CREATE | NLM_F_EXCL : 0, &body, sizeof(body),
                        4096);

        must(nla_put(m, NDA_LLADDR, 6, mac));
        ck_assert_int_eq(ask(m), 0);
}

/* beginning */

/* A namespace of its own, of root's or in one of users. Where the machine refuses both, the test says so. IPv6
 * addresses count at once, without a look around for others, unless `with_dad`. */
static inline bool network_begin(bool with_dad) {
        if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
                printf("# SKIP: this machine gives out no network namespaces (%m), NOTHING of the network is tested\n");
                return false;
        }
        ck_assert_int_eq(netlink_open(&kernel), 0);
        for (size_t i = 0; !with_dad && i < 2; i++) {
                set_sysctl(i == 0 ? "/proc/sys/net/ipv6/conf/all/accept_dad"
                                  : "/proc/sys/net/ipv6/conf/default/accept_dad", "0");
        }
        up("lo");
        return true;
}

static inline void network_end(void) {
        nl_socket_free(kernel);
        kernel = NULL;
}

static inline bool is_supported(int error, const char *kind) {
        if (error == -EOPNOTSUPP || error == -ENODEV)
                printf("# SKIP: this kernel has no interfaces of kind %s\n", kind);
        else
                ck_assert_int_eq(error, 0);
        return error == 0;
}

static inline bool is_named(const Link *link, const void *userdata) {
        const char *const *names = userdata;

        for (; *names; names++)
                if (strcmp(link->name, *names) == 0)
                        return true;
        return false;
}

/* Of the interface that had the name then, and what sits on it; how many changes that took. */
static inline size_t restore(const Network *captured, const char *name) {
        const char *names[] = { name, NULL };
        char *why = NULL;
        size_t n = 0;
        int r = network_restore_based(captured, is_named, names, &n, &why);

        ck_assert_msg(r == 0, "%i: %s", r, why);
        ck_assert_ptr_null(why);
        return n;
}
