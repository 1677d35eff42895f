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

/* by number */

static int nexthop_compare(const void *a, const void *b) {
        const struct Nexthop *x = a, *y = b;

        return (x->id > y->id) - (x->id < y->id);
}

int nexthops_index(const Messages *messages, Nexthops *ret) {
        Nexthops nexthops = { .items = calloc(messages_count(messages) + 1, sizeof(*nexthops.items)) };
        Message nexthop;

        if (!nexthops.items)
                return -ENOMEM;
        for (const struct nlmsghdr *m = NULL; (m = messages_next(messages, m));)
                if (message_parse(m, NETWORK_NEXTHOPS, &nexthop) >= 0)
                        nexthops.items[nexthops.n++] = (struct Nexthop) { message_u32(&nexthop, NHA_ID, 0), m };
        qsort(nexthops.items, nexthops.n, sizeof(*nexthops.items), nexthop_compare);
        *ret = nexthops;
        return 0;
}

void nexthops_clear(Nexthops *nexthops) {
        free(nexthops->items);
        *nexthops = (Nexthops) {};
}

bool nexthops_find(const Nexthops *nexthops, uint32_t id, Message *ret) {
        struct Nexthop key = { .id = id }, *found = NULL;

        if (nexthops->n > 0)
                found = bsearch(&key, nexthops->items, nexthops->n, sizeof(key), nexthop_compare);
        return found && message_parse(found->header, NETWORK_NEXTHOPS, ret) >= 0;
}

int nexthop_member(const Message *nexthop, size_t i, struct nexthop_grp *ret) {
        const struct nlattr *group = nexthop->attributes[NHA_GROUP];

        if (!group || (i + 1) * sizeof(*ret) > (size_t) nla_len(group))
                return -ENOENT;
        memcpy(ret, (const unsigned char *) nla_data(group) + i * sizeof(*ret), sizeof(*ret));
        return 0;
}

/* what is concerned */

/* A group needs all of its members: one whose interface is down and not concerned now will be when that is. */
static bool group_is_concerned(Restore *r, const Nexthops *now, const Message *group) {
        bool is_concerned = false;
        struct nexthop_grp other;
        Message today;

        for (size_t i = 0; nexthop_member(group, i, &other) >= 0; i++) {
                if (nexthop_is_concerned(r, other.id))
                        is_concerned = true;
                else if (!nexthops_find(now, other.id, &today))
                        return false;
        }
        return is_concerned;
}

/* Under another kernel those that lead nowhere have gone as well. */
static bool single_is_concerned(const Restore *r, const Message *nexthop) {
        unsigned index = message_u32(nexthop, NHA_OIF, 0);

        return index == 0 ? r->makes_links : restore_concerns(r, index);
}

static void collect_concerned(Restore *r, const Nexthops *now, bool groups) {
        const Messages *captured = &r->captured->tables[NETWORK_NEXTHOPS];
        Message nexthop;

        for (const struct nlmsghdr *m = NULL; (m = messages_next(captured, m));) {
                uint32_t id;

                if (message_parse(m, NETWORK_NEXTHOPS, &nexthop) < 0 ||
                                groups != (nexthop.attributes[NHA_GROUP] != NULL) ||
                                !(groups ? group_is_concerned(r, now, &nexthop)
                                         : single_is_concerned(r, &nexthop)))
                        continue;
                id = message_u32(&nexthop, NHA_ID, 0);
                key_begin(&r->nexthops);
                key_put(&r->nexthops, &id, sizeof(id));
        }
}

static bool has_member(const Message *nexthop, uint32_t id) {
        struct nexthop_grp other;

        for (size_t i = 0; nexthop_member(nexthop, i, &other) >= 0; i++)
                if (other.id == id)
                        return true;
        return false;
}

/* Members were lost, and none has come. */
static bool has_lost_members(const Message *then, const Message *now) {
        struct nexthop_grp other;
        size_t i;

        for (i = 0; nexthop_member(now, i, &other) >= 0; i++)
                if (!has_member(then, other.id))
                        return false;
        return i > 0 && nexthop_member(then, i, &other) >= 0;
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

static int find_missing(Restore *r, const Nexthops *now, bool groups, Messages *requests) {
        const Messages *captured = &r->captured->tables[NETWORK_NEXTHOPS];
        Message nexthop, today;
        int k = 0;

        for (const struct nlmsghdr *m = NULL; k >= 0 && (m = messages_next(captured, m));) {
                if (message_parse(m, NETWORK_NEXTHOPS, &nexthop) < 0 ||
                                groups != (nexthop.attributes[NHA_GROUP] != NULL) ||
                                !nexthop_is_concerned(r, message_u32(&nexthop, NHA_ID, 0)))
                        continue;
                if (!nexthops_find(now, message_u32(&nexthop, NHA_ID, 0), &today))
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

/* Groups of what could not be put back, and routes by it, are for another time. */
static int forget_failed(Restore *r) {
        _cleanup_(messages_clear) Messages now = {};
        Message nexthop;
        int k = netlink_dump(r->sk, NETWORK_NEXTHOPS, &now);

        key_set_clear(&r->nexthops);
        for (const struct nlmsghdr *m = NULL; k >= 0 && (m = messages_next(&now, m));) {
                uint32_t id;

                if (message_parse(m, NETWORK_NEXTHOPS, &nexthop) < 0)
                        continue;
                id = message_u32(&nexthop, NHA_ID, 0);
                key_begin(&r->nexthops);
                key_put(&r->nexthops, &id, sizeof(id));
        }
        return k;
}

/* The kernel takes none without a carrier (net/ipv4/nexthop.c, rtm_to_nh_config_rtnl()), which can be seconds away. */
static int restore_singles(Restore *r, const Nexthops *now) {
        _cleanup_(messages_clear) Messages requests = {}, others = {};
        _cleanup_free_ int *errors = NULL;
        size_t i = 0;
        int k = find_missing(r, now, false, &requests);

        errors = calloc(messages_count(&requests) + 1, sizeof(int));
        if (!errors)
                return -ENOMEM;
        if (k >= 0)
                k = netlink_request(r->sk, &requests, errors);
        for (const struct nlmsghdr *m = NULL; k >= 0 && (m = messages_next(&requests, m)); i++) {
                r->n_sent += errors[i] >= 0;
                r->n_without_carrier += errors[i] == -ENETDOWN && r->pass == NETWORK_PASS_FIRST;
                if (errors[i] < 0 && (errors[i] != -ENETDOWN || r->pass != NETWORK_PASS_FIRST))
                        k = messages_append(&others, m);
        }
        if (k >= 0) /* once more, for what is to be told */
                k = restore_send(r, &others, describe);
        return k < 0 ? k : forget_failed(r);
}

int restore_nexthops(Restore *r) {
        _cleanup_(messages_clear) Messages now = {}, requests = {};
        _cleanup_(nexthops_clear) Nexthops index = {};
        int k;

        if (r->captured->tables[NETWORK_NEXTHOPS].size == 0)
                return 0;
        k = netlink_dump(r->sk, NETWORK_NEXTHOPS, &now);
        if (k >= 0)
                k = nexthops_index(&now, &index);
        if (k < 0)
                return k;
        collect_concerned(r, &index, false);
        if (r->makes_links)
                k = restore_singles(r, &index);
        collect_concerned(r, &index, true);
        if (k >= 0 && !r->makes_links)
                k = find_missing(r, &index, false, &requests);
        if (k >= 0)
                k = find_missing(r, &index, true, &requests);
        if (k >= 0)
                k = restore_send(r, &requests, describe);
        return k < 0 || !r->makes_links ? k : forget_failed(r);
}
