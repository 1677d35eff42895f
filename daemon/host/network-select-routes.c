/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Routes, nexthops and rules that are to be kept. */

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/lwtunnel.h>
#include <linux/seg6_local.h>
#include <netlink/attr.h>
#include <stdlib.h>
#include <string.h>

#include "basic/json.h"
#include "host/network-select.h"

static bool has_number(KeySet *set, uint32_t number) {
        key_begin(set);
        key_put(set, &number, sizeof(number));
        return key_set_has_last(set) > 0;
}

/* nexthops */

/* Those that lead nowhere, and those of the FDB, depend on nothing. */
bool selection_has_nexthop(const Selection *s, const Message *nexthop) {
        unsigned index = message_u32(nexthop, NHA_OIF, 0);

        return index == 0 || selection_has(s, index);
}

bool selection_has_group(Selection *s, const Message *group) {
        struct nexthop_grp member;

        for (size_t i = 0; nexthop_member(group, i, &member) >= 0; i++)
                if (!has_number(&s->kept_nexthops, member.id))
                        return false;
        return true;
}

bool selection_keeps_nexthop(Selection *s, const Message *nexthop) {
        return has_number(&s->kept_nexthops, message_u32(nexthop, NHA_ID, 0));
}

/* routes */

static void prefix_key(unsigned char family, unsigned index, unsigned length, const struct nlattr *address,
                KeySet *keys) {
        unsigned char head[] = { family, (unsigned char) length }, prefix[16] = {};
        unsigned bits = length <= 128 ? length : 128;

        if (address)
                memcpy(prefix, nla_data(address), nla_len(address) < 16 ? (size_t) nla_len(address) : 16);
        for (unsigned bit = bits; bit < 128; bit++)
                prefix[bit / 8] &= (unsigned char) ~(0x80 >> bit % 8);
        key_begin(keys);
        key_put(keys, head, sizeof(head));
        key_put(keys, &index, sizeof(index));
        key_put(keys, prefix, sizeof(prefix));
}

int selection_collect_prefixes(Selection *s) {
        Message address;

        for (const struct nlmsghdr *m = NULL; (m = messages_next(&s->network->tables[NETWORK_ADDRESSES], m));) {
                const struct ifaddrmsg *body = NLMSG_DATA(m);

                if (message_parse(m, NETWORK_ADDRESSES, &address) >= 0 &&
                                (message_u32(&address, IFA_FLAGS, 0) & IFA_F_NOPREFIXROUTE))
                        prefix_key(body->ifa_family, body->ifa_index, body->ifa_prefixlen,
                                        address.attributes[IFA_ADDRESS], &s->explicit_prefixes);
        }
        return s->explicit_prefixes.is_broken ? -ENOMEM : 0;
}

/* In its name: to the prefix of an address for which it was told to make none. NetworkManager does so. */
static bool is_made_for_kernel(Selection *s, const Message *route) {
        const struct rtmsg *body = route->body;

        if (body->rtm_type != RTN_UNICAST)
                return false;
        prefix_key(body->rtm_family, message_u32(route, RTA_OIF, 0), body->rtm_dst_len, route->attributes[RTA_DST],
                        &s->explicit_prefixes);
        return key_set_has_last(&s->explicit_prefixes) > 0;
}

static long sysctl_of(const Link *link, const char *key) {
        size_t length = strlen(key);

        for (size_t i = 0; link && link->settings && i < link->settings->n_sysctls; i++) {
                const char *sysctl = link->settings->sysctls[i];

                if (strncmp(sysctl, key, length) == 0 && sysctl[length] == '=')
                        return strtol(sysctl + length + 1, NULL, 10);
        }
        return 0;
}

/* Whether the kernel listens to routers by itself (include/net/ipv6.h, ipv6_accept_ra()), and so makes these routes. */
static bool accepts_advertisements(const Link *link) {
        long accept = sysctl_of(link, "ipv6/conf/accept_ra");

        return sysctl_of(link, "ipv6/conf/forwarding") != 0 ? accept == 2 : accept != 0;
}

static bool is_made_by_kernel(Selection *s, const Message *route) {
        switch (((const struct rtmsg *) route->body)->rtm_protocol) {
        case RTPROT_REDIRECT:
                return true;
        case RTPROT_KERNEL:
                return !is_made_for_kernel(s, route);
        case RTPROT_RA:
                return accepts_advertisements(links_find(&s->links, message_u32(route, RTA_OIF, 0)));
        default:
                return false;
        }
}

static bool is_through_loopback(const Selection *s, unsigned index) {
        const Link *link = links_find(&s->links, index);

        return link && (link->flags & IFF_LOOPBACK);
}

static bool leads_nowhere(const Selection *s, const Message *route) {
        unsigned index = message_u32(route, RTA_OIF, 0);

        return !route->attributes[RTA_NH_ID] && !route->attributes[RTA_MULTIPATH] &&
                        (index == 0 || is_through_loopback(s, index));
}

bool selection_has_route(Selection *s, const Message *route) {
        const struct nlattr *multipath = route->attributes[RTA_MULTIPATH];

        if (is_made_by_kernel(s, route))
                return false;
        if (route->attributes[RTA_NH_ID])
                return has_number(&s->kept_nexthops, message_u32(route, RTA_NH_ID, 0));
        if (!multipath)
                return selection_has(s, message_u32(route, RTA_OIF, 0));
        for (const struct rtnexthop *leg = NULL; (leg = route_next_leg(multipath, leg));)
                if (!selection_has(s, (unsigned) leg->rtnh_ifindex))
                        return false;
        return true;
}

/* Such as the blackhole at the end of a table of its own: without it, what is not to leave the host would. */
static bool is_part_of_table(Selection *s, const Message *route) {
        uint32_t table = route_table(route);

        if (!leads_nowhere(s, route) || is_made_by_kernel(s, route))
                return false;
        if (s->is_everything)
                return true;
        return table != RT_TABLE_MAIN && table != RT_TABLE_DEFAULT && table != RT_TABLE_LOCAL &&
                        has_number(&s->kept_tables, table);
}

/* A program, or an interface inside of the encapsulation. */
static bool is_bound_to_kernel(struct nlattr *type, struct nlattr *encap) {
        if (!type || nla_len(type) < (int) sizeof(uint16_t) || !encap)
                return false;
        return nla_get_u16(type) == LWTUNNEL_ENCAP_BPF ||
                        (nla_get_u16(type) == LWTUNNEL_ENCAP_SEG6_LOCAL &&
                                        (nla_find(nla_data(encap), nla_len(encap), SEG6_LOCAL_IIF) ||
                                                        nla_find(nla_data(encap), nla_len(encap), SEG6_LOCAL_OIF) ||
                                                        nla_find(nla_data(encap), nla_len(encap), SEG6_LOCAL_BPF)));
}

static bool can_be_carried(const Message *route) {
        const struct nlattr *multipath = route->attributes[RTA_MULTIPATH];

        if (is_bound_to_kernel(route->attributes[RTA_ENCAP_TYPE], route->attributes[RTA_ENCAP]))
                return false;
        for (const struct rtnexthop *leg = NULL; multipath && (leg = route_next_leg(multipath, leg));) {
                int size;
                struct nlattr *attributes = route_leg_attributes(leg, &size);

                if (is_bound_to_kernel(nla_find(attributes, size, RTA_ENCAP_TYPE),
                                    nla_find(attributes, size, RTA_ENCAP)))
                        return false;
        }
        return true;
}

bool selection_keeps_route(Selection *s, const Message *route) {
        char text[ROUTE_TEXT_MAX];

        if (!selection_has_route(s, route) && !is_part_of_table(s, route))
                return false;
        if (can_be_carried(route))
                return true;
        route_to_text(route, &s->links, text);
        (void) json_append_text(s->omitted, "The route %s is not carried to the next kernel: its encapsulation is "
                        "bound to a BPF program or an interface. What made it has to make it again there.", text);
        return false;
}

/* rules */

static bool names_one(const Selection *s, const struct nlattr *name) {
        if (name)
                for (size_t i = 0; i < s->links.n; i++)
                        if (s->is_in[i] && strcmp(s->links.items[i].name, nla_get_string(name)) == 0)
                                return true;
        return false;
}

/* The three that are there from the beginning, and the one for VRFs, are the kernel's. */
static bool is_rule_of_kernel(const Message *rule) {
        const struct nlattr *protocol = rule->attributes[FRA_PROTOCOL];

        return protocol && nla_len(protocol) >= 1 && *(const unsigned char *) nla_data(protocol) == RTPROT_KERNEL;
}

static bool rule_is_in(Selection *s, const Message *rule) {
        const struct fib_rule_hdr *body = rule->body;

        if (is_rule_of_kernel(rule))
                return false;
        return s->is_everything || names_one(s, rule->attributes[FRA_IIFNAME]) ||
                        names_one(s, rule->attributes[FRA_OIFNAME]) ||
                        (body->action == FR_ACT_TO_TBL &&
                                        has_number(&s->kept_tables, message_u32(rule, FRA_TABLE, body->table)));
}

/* Of one that is in ("goto 1000"). */
static bool is_target(const Selection *s, const Message *rule) {
        const struct fib_rule_hdr *body = rule->body;
        Message other;

        for (const struct nlmsghdr *m = NULL; (m = messages_next(&s->network->tables[NETWORK_RULES], m));)
                if (message_parse(m, NETWORK_RULES, &other) >= 0 &&
                                ((const struct fib_rule_hdr *) other.body)->action == FR_ACT_GOTO &&
                                ((const struct fib_rule_hdr *) other.body)->family == body->family &&
                                message_u32(&other, FRA_GOTO, 0) == message_u32(rule, FRA_PRIORITY, 0) &&
                                (names_one(s, other.attributes[FRA_IIFNAME]) ||
                                                names_one(s, other.attributes[FRA_OIFNAME])))
                        return true;
        return false;
}

bool selection_keeps_rule(Selection *s, const Message *rule) {
        return rule_is_in(s, rule) || (!is_rule_of_kernel(rule) && is_target(s, rule));
}
