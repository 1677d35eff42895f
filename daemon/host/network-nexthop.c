/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Nexthop objects, as routing daemons use them. They go when their interface goes down, out of their groups, too, and
 * routes by them with them (net/ipv4/nexthop.c, nexthop_flush_dev()). */

#include <errno.h>
#include <linux/nexthop.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <string.h>

#include "host/network-internal.h"

bool nexthop_is_concerned(Restore *r, uint32_t id) {
        key_begin(&r->nexthops);
        key_put(&r->nexthops, &id, sizeof(id));
        return key_set_has_last(&r->nexthops) > 0;
}

/* The member of a group; -ENOENT: no more. */
static int member(const Message *nexthop, size_t i, struct nexthop_grp *ret) {
        const struct nlattr *group = nexthop->attributes[NHA_GROUP];

        if (!group || (i + 1) * sizeof(*ret) > (size_t) nla_len(group))
                return -ENOENT;
        memcpy(ret, (const unsigned char *) nla_data(group) + i * sizeof(*ret), sizeof(*ret));
        return 0;
}

static bool find(const Messages *messages, uint32_t id, Message *ret) {
        for (const struct nlmsghdr *m = NULL; (m = messages_next(messages, m));)
                if (message_parse(m, NETWORK_NEXTHOPS, ret) >= 0 && message_u32(ret, NHA_ID, 0) == id)
                        return true;
        return false;
}

/* A group needs all of its members: one whose interface is down and not concerned now will be when that is. */
static bool group_is_concerned(Restore *r, const Messages *now, const Message *group) {
        bool is_concerned = false;
        struct nexthop_grp other;
        Message today;

        for (size_t i = 0; member(group, i, &other) >= 0; i++) {
                if (nexthop_is_concerned(r, other.id))
                        is_concerned = true;
                else if (!find(now, other.id, &today))
                        return false;
        }
        return is_concerned;
}

static void collect_concerned(Restore *r, const Messages *now, bool groups) {
        const Messages *captured = &r->captured->tables[NETWORK_NEXTHOPS];
        Message nexthop;

        for (const struct nlmsghdr *m = NULL; (m = messages_next(captured, m));) {
                uint32_t id;

                if (message_parse(m, NETWORK_NEXTHOPS, &nexthop) < 0 ||
                                groups != (nexthop.attributes[NHA_GROUP] != NULL) ||
                                !(groups ? group_is_concerned(r, now, &nexthop)
                                         : restore_concerns(r, message_u32(&nexthop, NHA_OIF, 0))))
                        continue;
                id = message_u32(&nexthop, NHA_ID, 0);
                key_begin(&r->nexthops);
                key_put(&r->nexthops, &id, sizeof(id));
        }
}

static bool has_member(const Message *nexthop, uint32_t id) {
        struct nexthop_grp other;

        for (size_t i = 0; member(nexthop, i, &other) >= 0; i++)
                if (other.id == id)
                        return true;
        return false;
}

/* Members were lost, and none has come. */
static bool has_lost_members(const Message *then, const Message *now) {
        struct nexthop_grp other;
        size_t i;

        for (i = 0; member(now, i, &other) >= 0; i++)
                if (!has_member(then, other.id))
                        return false;
        return i > 0 && member(then, i, &other) >= 0;
}

/* The kernel refuses what it shows besides: since when a resilient group is out of balance. */
static int put_resilience(struct nl_msg *m, struct nlattr *attribute) {
        struct nlattr *nest = nla_nest_start(m, NHA_RES_GROUP | NLA_F_NESTED), *inner;
        int left;

        if (!nest)
                return -ENOMEM;
        nla_for_each_nested(inner, attribute, left)
                if (nla_type(inner) >= NHA_RES_GROUP_BUCKETS && nla_type(inner) <= NHA_RES_GROUP_UNBALANCED_TIMER &&
                                nla_put(m, nla_type(inner), nla_len(inner), nla_data(inner)) < 0)
                        return -ENOMEM;
        (void) nla_nest_end(m, nest);
        return 0;
}

static int put_attribute(const Restore *r, struct nl_msg *m, const Message *nexthop, struct nlattr *attribute) {
        switch (nla_type(attribute)) {
        case NHA_OIF:
                return nla_put_u32(m, NHA_OIF, restore_index(r, message_u32(nexthop, NHA_OIF, 0)));
        case NHA_RES_GROUP:
                return put_resilience(m, attribute);
        case NHA_ID:
        case NHA_GROUP:
        case NHA_GROUP_TYPE:
        case NHA_BLACKHOLE:
        case NHA_GATEWAY:
        case NHA_ENCAP_TYPE:
        case NHA_ENCAP:
        case NHA_FDB:
                return nla_put(m, attribute->nla_type, nla_len(attribute), nla_data(attribute));
        default:
                return 0;
        }
}

static int nexthop_request(const Restore *r, const Message *nexthop, uint16_t flags, Messages *requests) {
        struct nhmsg body = *(const struct nhmsg *) nexthop->body;
        _cleanup_(nl_msg_freep) struct nl_msg *m = NULL;
        struct nlattr *attribute;
        int left;

        body.nh_scope = 0;
        body.resvd = 0;
        body.nh_flags &= RTNH_F_ONLINK;
        m = request_new(RTM_NEWNEXTHOP, flags, &body, sizeof(body), nexthop->header->nlmsg_len + 64);
        if (!m)
                return -ENOMEM;
        nlmsg_for_each_attr(attribute, nexthop->header, sizeof(body), left)
                if (put_attribute(r, m, nexthop, attribute) < 0)
                        return -ENOMEM;
        return messages_append(requests, nlmsg_hdr(m));
}

static int find_missing(Restore *r, const Messages *now, bool groups, Messages *requests) {
        const Messages *captured = &r->captured->tables[NETWORK_NEXTHOPS];
        Message nexthop, today;
        int k = 0;

        for (const struct nlmsghdr *m = NULL; k >= 0 && (m = messages_next(captured, m));) {
                if (message_parse(m, NETWORK_NEXTHOPS, &nexthop) < 0 ||
                                groups != (nexthop.attributes[NHA_GROUP] != NULL) ||
                                !nexthop_is_concerned(r, message_u32(&nexthop, NHA_ID, 0)))
                        continue;
                if (!find(now, message_u32(&nexthop, NHA_ID, 0), &today))
                        k = nexthop_request(r, &nexthop, NLM_F_CREATE | NLM_F_EXCL, requests);
                else if (groups && has_lost_members(&nexthop, &today))
                        k = nexthop_request(r, &nexthop, NLM_F_CREATE | NLM_F_REPLACE, requests);
        }
        return k;
}

static void describe(const Restore *r, const struct nlmsghdr *request, char *ret, size_t size) {
        Message nexthop;

        if (message_parse(request, NETWORK_NEXTHOPS, &nexthop) >= 0)
                (void) snprintf(ret, size, "the nexthop %u", message_u32(&nexthop, NHA_ID, 0));
}

int restore_nexthops(Restore *r) {
        _cleanup_(messages_clear) Messages now = {}, requests = {};
        int k;

        if (r->captured->tables[NETWORK_NEXTHOPS].size == 0)
                return 0;
        k = netlink_dump(r->sk, NETWORK_NEXTHOPS, &now);
        if (k < 0)
                return k;
        collect_concerned(r, &now, false);
        collect_concerned(r, &now, true);
        k = find_missing(r, &now, false, &requests);
        if (k >= 0)
                k = find_missing(r, &now, true, &requests);
        return k < 0 ? k : restore_send(r, &requests, describe);
}
