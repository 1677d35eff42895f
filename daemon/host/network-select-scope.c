/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What interfaces need, transitively: their masters, the ports of those, what all of them sit on, and what their own
 * options name; VLANs on a bridge, by which the host takes part in what its guests have; and where a route or a nexthop
 * group goes several ways, the other ways. */

#include <errno.h>
#include <linux/if_link.h>
#include <netlink/attr.h>
#include <stdlib.h>
#include <string.h>

#include "basic/json.h"
#include "host/network-links.h"
#include "host/network-select.h"

static Link *find(const Selection *s, unsigned index) {
        return links_find(&s->links, index);
}

bool selection_has(const Selection *s, unsigned index) {
        const Link *link = find(s, index);

        return link && s->is_in[link - s->links.items];
}

const char *selection_name(const Selection *s, unsigned index) {
        const Link *link = find(s, index);

        return link ? link->name : "?";
}

static bool add_link(Selection *s, const Link *link) {
        bool *is_in = link ? &s->is_in[link - s->links.items] : NULL;

        if (!is_in || *is_in || (link->flags & IFF_LOOPBACK))
                return false;
        *is_in = true;
        return true;
}

static bool add(Selection *s, unsigned index) {
        return add_link(s, find(s, index));
}

/* the first ones */

static bool has_altname(const Link *link, const char *name) {
        struct nlattr *list = link->message.attributes[IFLA_PROP_LIST], *other;
        size_t size = strlen(name) + 1;
        int left;

        if (list)
                nla_for_each_nested(other, list, left)
                        if (nla_type(other) == IFLA_ALT_IFNAME && (size_t) nla_len(other) == size &&
                                        memcmp(nla_data(other), name, size) == 0)
                                return true;
        return false;
}

static bool is_named(const Link *link, const char *const *interfaces) {
        for (; *interfaces; interfaces++)
                if (strcmp(link->name, *interfaces) == 0 || has_altname(link, *interfaces))
                        return true;
        return false;
}

/* what those need */

static bool is_on_a_bridge(const Selection *s, const Link *link) {
        const Link *lower = find(s, link->lower);

        return link->kind && strcmp(link->kind, "vlan") == 0 && lower && lower->kind &&
                        strcmp(lower->kind, "bridge") == 0 && selection_has(s, lower->index);
}

static bool grow_by_links(Selection *s) {
        bool has_grown = false;

        for (size_t i = 0; i < s->links.n; i++) {
                const Link *link = &s->links.items[i];
                unsigned other;

                if (!s->is_in[i]) {
                        if (selection_has(s, link->master) || is_on_a_bridge(s, link))
                                has_grown |= add_link(s, link);
                        continue;
                }
                has_grown |= add(s, link->master);
                has_grown |= add(s, link->lower);
                for (size_t j = 0; (other = link_reference(link, j)) != 0; j++)
                        has_grown |= add(s, other);
        }
        return has_grown;
}

static unsigned leg_index(const struct rtnexthop *leg) {
        return (unsigned) leg->rtnh_ifindex;
}

static bool grow_by_legs(Selection *s, const struct nlattr *multipath) {
        bool is_concerned = false, has_grown = false;

        for (const struct rtnexthop *leg = NULL; (leg = route_next_leg(multipath, leg));)
                is_concerned |= selection_has(s, leg_index(leg));
        for (const struct rtnexthop *leg = NULL; is_concerned && (leg = route_next_leg(multipath, leg));)
                has_grown |= add(s, leg_index(leg));
        return has_grown;
}

static bool grow_by_routes(Selection *s) {
        bool has_grown = false;
        Message route;

        for (const struct nlmsghdr *m = NULL; (m = messages_next(&s->network->tables[NETWORK_ROUTES], m));)
                if (message_parse(m, NETWORK_ROUTES, &route) >= 0 && route.attributes[RTA_MULTIPATH] &&
                                !route.attributes[RTA_NH_ID])
                        has_grown |= grow_by_legs(s, route.attributes[RTA_MULTIPATH]);
        return has_grown;
}

static unsigned member_index(const Selection *s, const Message *group, size_t i) {
        struct nexthop_grp member;
        Message nexthop;

        if (nexthop_member(group, i, &member) < 0 || !nexthops_find(&s->nexthops, member.id, &nexthop))
                return 0;
        return message_u32(&nexthop, NHA_OIF, 0);
}

static bool grow_by_nexthops(Selection *s) {
        bool has_grown = false;
        Message group;

        for (size_t i = 0; i < s->nexthops.n; i++) {
                bool is_concerned = false;
                struct nexthop_grp member;

                if (message_parse(s->nexthops.items[i].header, NETWORK_NEXTHOPS, &group) < 0)
                        continue;
                for (size_t j = 0; nexthop_member(&group, j, &member) >= 0; j++)
                        is_concerned |= selection_has(s, member_index(s, &group, j));
                for (size_t j = 0; is_concerned && nexthop_member(&group, j, &member) >= 0; j++)
                        has_grown |= add(s, member_index(s, &group, j));
        }
        return has_grown;
}

static bool grow(Selection *s) {
        bool has_grown = false;

        while (grow_by_links(s))
                has_grown = true;
        has_grown |= grow_by_routes(s);
        has_grown |= grow_by_nexthops(s);
        return has_grown;
}

/* what cannot be made */

static int leave_out(Selection *s, const Link *link, const char *why) {
        s->is_in[link - s->links.items] = false;
        return json_append_text(s->omitted, "The interface %s is not carried to the next kernel: %s. What made it has "
                        "to make it again there.", link->name, why);
}

int selection_mark(Selection *s, const char *const *interfaces) {
        int r = 0;

        s->is_in = calloc(s->links.n + 1, sizeof(bool));
        if (!s->is_in)
                return -ENOMEM;
        for (size_t i = 0; i < s->links.n; i++)
                if (!interfaces || is_named(&s->links.items[i], interfaces))
                        (void) add_link(s, &s->links.items[i]);
        while (grow(s))
                continue;
        for (size_t i = 0; r >= 0 && i < s->links.n; i++) {
                const char *why = s->is_in[i] ? link_not_carried(&s->links.items[i]) : NULL;

                if (why)
                        r = leave_out(s, &s->links.items[i], why);
        }
        return r;
}
