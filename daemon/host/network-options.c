/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Options of links as attributes: whether one is as it should be, and how it is put into a request. */

#include <errno.h>
#include <linux/if_link.h>
#include <netlink/attr.h>
#include <string.h>

#include "host/network-links.h"

struct nlattr *link_info_attribute(const Link *link, int type) {
        static const struct nla_policy policy[IFLA_INFO_MAX + 1] = {
                [IFLA_INFO_DATA] = { .type = NLA_NESTED },
                [IFLA_INFO_SLAVE_DATA] = { .type = NLA_NESTED },
        };
        struct nlattr *info = link->message.attributes[IFLA_LINKINFO], *attributes[IFLA_INFO_MAX + 1] = {};

        if (!info || nla_parse_nested(attributes, IFLA_INFO_MAX, info, policy) < 0)
                return NULL;
        return attributes[type];
}

static uint32_t read_u32(const struct nlattr *a, size_t at) {
        uint32_t value = 0;

        if (a && nla_len(a) >= (int) (at + sizeof(value)))
                memcpy(&value, (const unsigned char *) nla_data(a) + at, sizeof(value));
        return value;
}

static bool is_zero(const struct nlattr *a) {
        for (int i = 0; a && i < nla_len(a); i++)
                if (((const unsigned char *) nla_data(a))[i] != 0)
                        return false;
        return true;
}

static bool is_equal(const struct nlattr *a, const struct nlattr *b) {
        return nla_len(a) == nla_len(b) && memcmp(nla_data(a), nla_data(b), (size_t) nla_len(a)) == 0;
}

static bool has_items(struct nlattr *wanted, struct nlattr *now) {
        struct nlattr *a, *b;
        int left, others;

        nla_for_each_nested(a, wanted, left) {
                bool is_there = false;

                if (now)
                        nla_for_each_nested(b, now, others)
                                is_there |= nla_type(a) == nla_type(b) && is_equal(a, b);
                if (!is_there)
                        return false;
        }
        return true;
}

/* Both know other bits, perhaps; and VLANs do not tell that they have none. */
static uint32_t differing_bits(const struct nlattr *wanted, const struct nlattr *now) {
        uint32_t mask = wanted ? read_u32(wanted, 4) : UINT32_MAX;

        mask &= now ? read_u32(now, 4) : UINT32_MAX;
        return (read_u32(wanted, 0) ^ read_u32(now, 0)) & mask;
}

bool option_is_as_wanted(const Restore *r, const LinkOption *option, struct nlattr *wanted, struct nlattr *now) {
        if (option->flags & OPTION_BITS)
                return differing_bits(wanted, now) == 0;
        if (!wanted)
                return true;
        if (option->flags & OPTION_IF_SET)
                return is_zero(wanted) == is_zero(now);
        if (option->flags & OPTION_INDEX) {
                uint32_t index = restore_index(r, read_u32(wanted, 0));

                return index == 0 || index == read_u32(now, 0);
        }
        if (option->flags & OPTION_ITEMS)
                return has_items(wanted, now);
        return now && is_equal(wanted, now);
}

/* What the kernel makes of a speed (net/bridge/br_if.c, port_cost()). */
static bool is_cost_of_speed(uint32_t cost) {
        return (cost >= 1 && cost <= 5) || cost == 19 || cost == 100;
}

/* Without it, costs mean nothing. */
static bool has_spanning_tree(const Restore *r, const Link *port) {
        const Link *bridge = links_find(&r->then, port->master);
        struct nlattr *data = bridge ? link_info_attribute(bridge, IFLA_INFO_DATA) : NULL;

        return data && read_u32(nla_find(nla_data(data), nla_len(data), IFLA_BR_STP_STATE), 0) != 0;
}

/* Comes with the carrier, of the link itself or of the one it names. The speed of a bond is not known with the first of
 * its slaves, so that a cost that follows from one is only set where it says something. */
bool option_waits(const Restore *r, const Link *then, const LinkOption *option, const struct nlattr *wanted) {
        const Link *link = then->now;

        if (!(option->flags & OPTION_CARRIER))
                return false;
        if (!(option->flags & OPTION_INDEX))
                return is_cost_of_speed(read_u32(wanted, 0)) &&
                       (!(link->flags & IFF_RUNNING) || !has_spanning_tree(r, then));
        /* Who is active is the bond's to say from then on. */
        link = links_find(&r->now, restore_index(r, read_u32(wanted, 0)));
        return !then->is_made || !link || !(link->flags & IFF_RUNNING);
}

/* putting */

static int put_value(const Restore *r, struct nl_msg *m, int type, const LinkOption *option, struct nlattr *wanted,
                const struct nlattr *now) {
        uint32_t bits[2] = { read_u32(wanted, 0), UINT32_MAX }, index;

        if ((option->flags & OPTION_IF_SET) && is_zero(wanted))
                return 0;
        if (option->flags & OPTION_EMPTY)
                return nla_put(m, type, 0, NULL);
        if (option->flags & OPTION_INDEX) {
                index = restore_index(r, read_u32(wanted, 0));
                return index != 0 ? nla_put(m, type, sizeof(index), &index) : 0;
        }
        if (option->flags & OPTION_BITS) {
                /* The kernel says that all are meant (vlan_fill_info()), and refuses those it does not know
                 * (vlan_dev_change_flags()): who is made is given those that are set. */
                bits[1] = now || !wanted ? differing_bits(wanted, now) : bits[0] & read_u32(wanted, 4);
                bits[0] &= bits[1];
                return nla_put(m, type, sizeof(bits), bits);
        }
        return nla_put(m, wanted->nla_type, nla_len(wanted), nla_data(wanted));
}

/* A list of macvlan's is replaced by another on command. */
static int put_command(struct nl_msg *m, const LinkKind *kind, int type) {
        static const uint32_t set = MACVLAN_MACADDR_SET;

        if (!kind->has_sources || type != IFLA_MACVLAN_MACADDR_DATA)
                return 0;
        return nla_put(m, IFLA_MACVLAN_MACADDR_MODE, sizeof(set), &set);
}

int option_put(const Restore *r, struct nl_msg *m, const LinkKind *kind, int type, struct nlattr *wanted,
                const struct nlattr *now) {
        int k = put_value(r, m, type, link_option(kind, type), wanted, now);

        return k < 0 ? k : put_command(m, kind, type);
}

int options_put_new(const Restore *r, const Link *then, struct nl_msg *m) {
        struct nlattr *wanted = link_info_attribute(then, IFLA_INFO_DATA), *data, *a;
        const LinkKind *kind = link_kind(then->kind);
        int k = 0, left;

        if (!wanted)
                return 0;
        data = nla_nest_start(m, IFLA_INFO_DATA);
        if (!data)
                return -ENOMEM;
        nla_for_each_nested(a, wanted, left) {
                const LinkOption *option = link_option(kind, nla_type(a));

                if ((option->flags & (OPTION_STATE | OPTION_LATE)) ||
                                (!kind->gives_all && !(option->flags & (OPTION_CREATE | OPTION_FIRST))))
                        continue;
                if (k >= 0)
                        k = option_put(r, m, kind, nla_type(a), a, NULL);
        }
        (void) nla_nest_end(m, data);
        return k < 0 ? -ENOMEM : 0;
}
