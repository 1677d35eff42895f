/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* VLANs of bridges and of their ports, and the tunnels these lead to (net/bridge/br_netlink.c, br_afspec()). */

#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <string.h>

#include "host/network-links.h"

#define VLAN_MAX 4095U
#define KEPT_FLAGS (BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED)

typedef struct Vlan {
        bool is_there, has_tunnel;
        uint16_t flags;
        uint32_t tunnel;
} Vlan;

typedef struct Vlans {
        Vlan items[VLAN_MAX + 1]; /* the last number is nobody's: an end for ranges */
} Vlans;

/* reading */

typedef struct Tunnel {
        uint32_t id;
        uint16_t vid, flags;
} Tunnel;

static void vlans_put_info(Vlans *vlans, const struct nlattr *a, struct bridge_vlan_info *first) {
        struct bridge_vlan_info info;

        if (nla_len(a) < (int) sizeof(info))
                return;
        memcpy(&info, nla_data(a), sizeof(info));
        if (info.flags & BRIDGE_VLAN_INFO_RANGE_BEGIN) {
                *first = info;
                return;
        }
        for (unsigned vid = info.flags & BRIDGE_VLAN_INFO_RANGE_END ? first->vid : info.vid;
                        vid <= info.vid && vid < VLAN_MAX; vid++) {
                vlans->items[vid].is_there = true;
                vlans->items[vid].flags = info.flags & KEPT_FLAGS;
        }
}

static void vlans_put_tunnel(Vlans *vlans, struct nlattr *a, Tunnel *first) {
        static const struct nla_policy policy[IFLA_BRIDGE_VLAN_TUNNEL_MAX + 1] = {
                [IFLA_BRIDGE_VLAN_TUNNEL_ID] = { .type = NLA_U32 },
                [IFLA_BRIDGE_VLAN_TUNNEL_VID] = { .type = NLA_U16 },
                [IFLA_BRIDGE_VLAN_TUNNEL_FLAGS] = { .type = NLA_U16 },
        };
        struct nlattr *parts[IFLA_BRIDGE_VLAN_TUNNEL_MAX + 1] = {};
        Tunnel tunnel = {};

        if (nla_parse_nested(parts, IFLA_BRIDGE_VLAN_TUNNEL_MAX, a, policy) < 0 ||
                        !parts[IFLA_BRIDGE_VLAN_TUNNEL_ID] || !parts[IFLA_BRIDGE_VLAN_TUNNEL_VID])
                return;
        tunnel.id = nla_get_u32(parts[IFLA_BRIDGE_VLAN_TUNNEL_ID]);
        tunnel.vid = nla_get_u16(parts[IFLA_BRIDGE_VLAN_TUNNEL_VID]);
        if (parts[IFLA_BRIDGE_VLAN_TUNNEL_FLAGS])
                tunnel.flags = nla_get_u16(parts[IFLA_BRIDGE_VLAN_TUNNEL_FLAGS]);
        if (tunnel.flags & BRIDGE_VLAN_INFO_RANGE_BEGIN) {
                *first = tunnel;
                return;
        }
        if (!(tunnel.flags & BRIDGE_VLAN_INFO_RANGE_END))
                *first = tunnel;
        for (unsigned vid = first->vid; vid <= tunnel.vid && vid < VLAN_MAX; vid++) {
                vlans->items[vid].has_tunnel = true;
                vlans->items[vid].tunnel = first->id + (vid - first->vid);
        }
}

static void vlans_put(Vlans *vlans, const Message *message) {
        struct nlattr *spec = message->attributes[IFLA_AF_SPEC], *a;
        struct bridge_vlan_info first = {};
        Tunnel first_tunnel = {};
        int left;

        if (spec)
                nla_for_each_nested(a, spec, left) {
                        if (nla_type(a) == IFLA_BRIDGE_VLAN_INFO)
                                vlans_put_info(vlans, a, &first);
                        else if (nla_type(a) == IFLA_BRIDGE_VLAN_TUNNEL_INFO)
                                vlans_put_tunnel(vlans, a, &first_tunnel);
                }
}

static bool is_bridge(const Link *link) {
        return link->kind && strcmp(link->kind, "bridge") == 0;
}

/* Some cards have a switch of their own, which tells of itself in the same way, without a master. */
static bool vlans_read(const Messages *messages, const Link *link, Vlans *ret) {
        bool any = false;
        Message message;

        memset(ret, 0, sizeof(*ret));
        for (const struct nlmsghdr *m = NULL; (m = messages_next(messages, m));) {
                const struct ifinfomsg *body = NLMSG_DATA(m);

                if (m->nlmsg_len < NLMSG_LENGTH(sizeof(*body)) || body->ifi_index != (int) link->index ||
                                message_parse(m, NETWORK_VLANS, &message) < 0 ||
                                (!is_bridge(link) && !message.attributes[IFLA_MASTER]))
                        continue;
                vlans_put(ret, &message);
                any = true;
        }
        return any;
}

/* requests */

typedef bool (*VlanFilter)(const Vlan *wanted, const Vlan *now);

static bool is_to_remove(const Vlan *wanted, const Vlan *now) {
        return now->is_there && !wanted->is_there;
}

static bool is_to_set(const Vlan *wanted, const Vlan *now) {
        return wanted->is_there && (!now->is_there || wanted->flags != now->flags);
}

static bool is_to_lead(const Vlan *wanted, const Vlan *now) {
        return wanted->is_there && wanted->has_tunnel && (!now->has_tunnel || wanted->tunnel != now->tunnel);
}

static int put_info(struct nl_msg *m, const Vlan *vlan, unsigned vid, uint16_t range) {
        struct bridge_vlan_info info = { .flags = vlan->flags | range, .vid = (uint16_t) vid };

        return nla_put(m, IFLA_BRIDGE_VLAN_INFO, sizeof(info), &info);
}

static int put_tunnel(struct nl_msg *m, const Vlan *vlan, unsigned vid, uint16_t range) {
        struct nlattr *nest = nla_nest_start(m, IFLA_BRIDGE_VLAN_TUNNEL_INFO);

        if (!nest || nla_put_u32(m, IFLA_BRIDGE_VLAN_TUNNEL_ID, vlan->tunnel) < 0 ||
                        nla_put_u16(m, IFLA_BRIDGE_VLAN_TUNNEL_VID, (uint16_t) vid) < 0 ||
                        nla_put_u16(m, IFLA_BRIDGE_VLAN_TUNNEL_FLAGS, range) < 0)
                return -ENOMEM;
        return nla_nest_end(m, nest);
}

static bool goes_on(const Vlan *a, const Vlan *b, bool of_tunnels) {
        if (of_tunnels)
                return b->tunnel == a->tunnel + 1;
        return a->flags == b->flags && !(a->flags & BRIDGE_VLAN_INFO_PVID);
}

/* Those that `filter` wants, in ranges; how many, or negative: no room. */
static int put_ranges(struct nl_msg *m, const Vlans *wanted, const Vlans *now, VlanFilter filter) {
        int (*put)(struct nl_msg *, const Vlan *, unsigned, uint16_t) = filter == is_to_lead ? put_tunnel : put_info;
        const Vlan *w = filter == is_to_remove ? now->items : wanted->items;
        int n = 0;

        for (unsigned vid = 1, end; vid < VLAN_MAX; vid = end + 1) {
                end = vid;
                if (!filter(&wanted->items[vid], &now->items[vid]))
                        continue;
                while (end + 1 < VLAN_MAX && filter(&wanted->items[end + 1], &now->items[end + 1]) &&
                                goes_on(&w[end], &w[end + 1], filter == is_to_lead))
                        end++;
                if (put(m, &w[vid], vid, end > vid ? BRIDGE_VLAN_INFO_RANGE_BEGIN : 0) < 0 ||
                                (end > vid && put(m, &w[end], end, BRIDGE_VLAN_INFO_RANGE_END) < 0))
                        return -ENOMEM;
                n++;
        }
        return n;
}

static int append_request(const Link *link, uint16_t type, const Vlans *wanted, const Vlans *now, VlanFilter filter,
                Messages *requests) {
        struct ifinfomsg body = { .ifi_family = AF_BRIDGE, .ifi_index = (int) link->index };
        _cleanup_(nl_msg_freep) struct nl_msg *m = request_new(type, 0, &body, sizeof(body), UINT16_MAX);
        struct nlattr *spec = m ? nla_nest_start(m, IFLA_AF_SPEC) : NULL;
        int n;

        if (!spec || nla_put_u16(m, IFLA_BRIDGE_FLAGS, is_bridge(link) ? BRIDGE_FLAGS_SELF : BRIDGE_FLAGS_MASTER) < 0)
                return -ENOMEM;
        n = put_ranges(m, wanted, now, filter);
        if (n <= 0)
                return n;
        (void) nla_nest_end(m, spec);
        return messages_append(requests, nlmsg_hdr(m));
}

/* differences */

/* 0: none; -1: the kernel knew no VLANs. */
static int default_pvid(const Links *links, const Link *link) {
        const Link *bridge = is_bridge(link) ? link : links_find(links, link->master);
        struct nlattr *data = bridge ? link_info_attribute(bridge, IFLA_INFO_DATA) : NULL;
        struct nlattr *pvid = data ? nla_find(nla_data(data), nla_len(data), IFLA_BR_VLAN_DEFAULT_PVID) : NULL;

        return pvid && nla_len(pvid) >= 2 ? nla_get_u16(pvid) : -1;
}

/* Who was not told otherwise has the default one, and it only is taken from those that others may have set up. */
static void forget_others(const Restore *r, const Link *then, const Vlans *wanted, Vlans *now) {
        int pvid = restore_leaves(r, then) || default_pvid(&r->then, then) < 0 ? -1 : default_pvid(&r->now, then->now);

        for (unsigned vid = 1; vid < VLAN_MAX; vid++)
                if (!wanted->items[vid].is_there && (int) vid != pvid && !(then->is_made && pvid >= 0))
                        now->items[vid].is_there = false;
}

static void leave_present(Restore *r, const Link *then, Vlans *wanted, const Vlans *now) {
        bool is_told = false;

        for (unsigned vid = 1; restore_leaves(r, then) && vid < VLAN_MAX; vid++) {
                if (!now->items[vid].is_there || !is_to_set(&wanted->items[vid], &now->items[vid]))
                        continue;
                wanted->items[vid].flags = now->items[vid].flags;
                if (!is_told)
                        restore_fail(r, -EEXIST, "VLAN %u of %s is otherwise than it was, and left so.", vid,
                                        then->name);
                is_told = true;
        }
}

static int restore_vlans_of(Restore *r, const Link *then, const Messages *messages, Messages *requests) {
        Vlans wanted, now;
        int k;

        /* Who has none is not told of. */
        if (!vlans_read(&r->captured->tables[NETWORK_VLANS], then, &wanted) && default_pvid(&r->then, then) < 0)
                return 0;
        (void) vlans_read(messages, then->now, &now);
        forget_others(r, then, &wanted, &now);
        leave_present(r, then, &wanted, &now);
        k = append_request(then->now, RTM_DELLINK, &wanted, &now, is_to_remove, requests);
        if (k >= 0)
                k = append_request(then->now, RTM_SETLINK, &wanted, &now, is_to_set, requests);
        if (k >= 0)
                k = append_request(then->now, RTM_SETLINK, &wanted, &now, is_to_lead, requests);
        return k;
}

static void describe(const Restore *r, const struct nlmsghdr *request, char *ret, size_t size) {
        const struct ifinfomsg *body = NLMSG_DATA(request);

        (void) snprintf(ret, size, "the VLANs of %s", restore_name(r, (unsigned) body->ifi_index));
}

static bool is_port(const Restore *r, const Link *then) {
        return then->slave_kind && strcmp(then->slave_kind, "bridge") == 0 &&
               restore_index(r, then->master) == then->now->master;
}

static bool has_bridges(const Restore *r) {
        for (size_t i = 0; i < r->then.n; i++)
                if (r->then.items[i].is_concerned && is_bridge(&r->then.items[i]))
                        return true;
        return false;
}

int restore_vlans(Restore *r) {
        _cleanup_(messages_clear) Messages messages = {}, requests = {};
        int k;

        if (!has_bridges(r))
                return 0;
        k = restore_refresh(r);
        if (k >= 0)
                k = netlink_dump(r->sk, NETWORK_VLANS, &messages);
        for (size_t i = 0; k >= 0 && i < r->then.n; i++) {
                const Link *then = &r->then.items[i];

                if (then->is_concerned && then->now && (is_bridge(then) || is_port(r, then)))
                        k = restore_vlans_of(r, then, &messages, &requests);
        }
        return k < 0 ? k : restore_send(r, &requests, describe);
}
