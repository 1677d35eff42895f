/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A route as it is compared, and as it is asked for: without what the kernel adds when it shows it. */

#include <errno.h>
#include <netlink/attr.h>
#include <string.h>
#include <unistd.h>

#include "host/network-internal.h"

/* A way out of a route: of its own attributes, or of one leg. */
typedef struct Way {
        unsigned index;
        unsigned char flags;
        struct nlattr *gateway, *via, *encap, *encap_type;
} Way;

static Way way_of_route(const Message *route) {
        return (Way) {
                .index = message_u32(route, RTA_OIF, 0),
                .flags = ((const struct rtmsg *) route->body)->rtm_flags & RTNH_F_ONLINK,
                .gateway = route->attributes[RTA_GATEWAY],
                .via = route->attributes[RTA_VIA],
                .encap = route->attributes[RTA_ENCAP],
                .encap_type = route->attributes[RTA_ENCAP_TYPE],
        };
}

static Way way_of_leg(const struct rtnexthop *leg) {
        Way way = { .index = (unsigned) leg->rtnh_ifindex, .flags = leg->rtnh_flags & RTNH_F_ONLINK };
        int size;
        struct nlattr *attributes = route_leg_attributes(leg, &size);

        way.gateway = nla_find(attributes, size, RTA_GATEWAY);
        way.via = nla_find(attributes, size, RTA_VIA);
        way.encap = nla_find(attributes, size, RTA_ENCAP);
        way.encap_type = nla_find(attributes, size, RTA_ENCAP_TYPE);
        return way;
}

/* keys */

static bool is_of_way(int type) {
        return type == RTA_OIF || type == RTA_GATEWAY || type == RTA_VIA || type == RTA_ENCAP ||
                        type == RTA_ENCAP_TYPE || type == RTA_MULTIPATH;
}

/* Where it leads to, and how it is preferred. */
static void common_key(const Message *route, KeySet *keys) {
        struct rtmsg body = *(const struct rtmsg *) route->body;
        struct nlattr *attribute;
        int left;

        body.rtm_flags = 0;
        key_put(keys, &body, sizeof(body));
        nlmsg_for_each_attr(attribute, route->header, sizeof(body), left)
                if (!is_of_way(nla_type(attribute)) && nla_type(attribute) != RTA_CACHEINFO)
                        key_put_attribute(keys, attribute);
}

static void way_key(const Restore *then, const Way *way, KeySet *keys) {
        unsigned index = then ? restore_index(then, way->index) : way->index;

        key_put(keys, &index, sizeof(index));
        key_put(keys, &way->flags, sizeof(way->flags));
        key_put_attribute(keys, way->gateway);
        key_put_attribute(keys, way->via);
        key_put_attribute(keys, way->encap_type);
        key_put_attribute(keys, way->encap);
}

void route_key(const Restore *then, const Message *route, const struct rtnexthop *only, KeySet *keys) {
        const struct nlattr *multipath = route->attributes[RTA_MULTIPATH];

        key_begin(keys);
        common_key(route, keys);
        /* The kernel can show a nexthop object's ways beside its number. */
        if (route->attributes[RTA_NH_ID])
                return;
        if (only || !multipath) {
                Way way = only ? way_of_leg(only) : way_of_route(route);

                way_key(then, &way, keys);
                return;
        }
        for (const struct rtnexthop *leg = NULL; (leg = route_next_leg(multipath, leg));) {
                Way way = way_of_leg(leg);

                way_key(then, &way, keys);
                key_put(keys, &leg->rtnh_hops, sizeof(leg->rtnh_hops));
        }
}

/* requests */

static int put_leg(const Restore *r, struct nl_msg *m, const struct rtnexthop *leg) {
        struct rtnexthop *copy = nlmsg_reserve(m, RTNH_ALIGN(leg->rtnh_len), 0);

        if (!copy)
                return -ENOMEM;
        memcpy(copy, leg, leg->rtnh_len);
        copy->rtnh_flags &= RTNH_F_ONLINK;
        if (leg->rtnh_ifindex != 0)
                copy->rtnh_ifindex = (int) restore_index(r, (unsigned) leg->rtnh_ifindex);
        return 0;
}

/* All of its legs, or the one given. */
static int put_multipath(const Restore *r, struct nl_msg *m, const struct nlattr *multipath,
                const struct rtnexthop *only) {
        struct nlattr *nest = nla_nest_start(m, RTA_MULTIPATH);
        int k = nest ? 0 : -ENOMEM;

        for (const struct rtnexthop *leg = NULL; k >= 0 && (leg = route_next_leg(multipath, leg));)
                if (!only || leg == only)
                        k = put_leg(r, m, leg);
        if (k >= 0)
                (void) nla_nest_end(m, nest);
        return k;
}

/* Routes by router advertisements come to an end. */
static int put_expiry(const Restore *r, struct nl_msg *m, const struct nlattr *attribute) {
        struct rta_cacheinfo info;
        uint64_t seconds;
        long ticks = sysconf(_SC_CLK_TCK);

        memcpy(&info, nla_data(attribute), sizeof(info));
        if (info.rta_expires == 0 || ticks <= 0)
                return 0;
        seconds = r->elapsed_usec / 1000000;
        if (info.rta_expires < 0 || (uint64_t) info.rta_expires / (uint64_t) ticks <= seconds)
                return -ESTALE;
        return nla_put_u32(m, RTA_EXPIRES, (uint32_t) ((uint64_t) info.rta_expires / (uint64_t) ticks - seconds)) < 0
                        ? -ENOMEM : 0;
}

static int put_attribute(const Restore *r, struct nl_msg *m, const Message *route, struct nlattr *attribute,
                const struct rtnexthop *only) {
        int type = nla_type(attribute);
        uint32_t index;

        if (is_of_way(type) && route->attributes[RTA_NH_ID])
                return 0;
        switch (type) {
        case RTA_CACHEINFO:
                return nla_len(attribute) < (int) sizeof(struct rta_cacheinfo) ? 0 : put_expiry(r, m, attribute);
        case RTA_MULTIPATH:
                return put_multipath(r, m, attribute, only);
        case RTA_OIF:
                index = restore_index(r, message_u32(route, RTA_OIF, 0));
                return nla_put_u32(m, RTA_OIF, index) < 0 ? -ENOMEM : 0;
        default:
                return nla_put(m, attribute->nla_type, nla_len(attribute), nla_data(attribute)) < 0 ? -ENOMEM : 0;
        }
}

int route_request(const Restore *r, const Message *route, const struct rtnexthop *only, Messages *requests) {
        struct rtmsg body = *(const struct rtmsg *) route->body;
        _cleanup_(nl_msg_freep) struct nl_msg *m = NULL;
        struct nlattr *attribute;
        uint16_t flags;
        int left, k = 0;

        body.rtm_flags &= RTNH_F_ONLINK;
        /* Others to the same place may stand before it; MPLS has but one. */
        flags = body.rtm_family == AF_MPLS ? NLM_F_CREATE | NLM_F_EXCL : NLM_F_CREATE | NLM_F_APPEND;
        m = request_new(RTM_NEWROUTE, flags, &body, sizeof(body), route->header->nlmsg_len + 64);
        if (!m)
                return -ENOMEM;
        nlmsg_for_each_attr(attribute, route->header, sizeof(body), left) {
                k = put_attribute(r, m, route, attribute, only);
                if (k < 0)
                        return k == -ESTALE ? 0 : k;
        }
        return messages_append(requests, nlmsg_hdr(m));
}
