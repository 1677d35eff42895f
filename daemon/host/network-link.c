/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Interfaces as they were and as they are: which is which, and what sits on what. */

#include <errno.h>
#include <linux/if_link.h>
#include <netlink/attr.h>
#include <string.h>

#include "host/network-links.h"

/* The kernel allows 8 of most kinds (include/linux/netdevice.h, MAX_NEST_DEV); what is read need not come from it. */
#define LEVELS_MAX 64U

static const char *link_info(const Message *message, int type) {
        static const struct nla_policy policy[IFLA_INFO_MAX + 1] = {
                [IFLA_INFO_KIND] = { .type = NLA_STRING },
                [IFLA_INFO_SLAVE_KIND] = { .type = NLA_STRING },
        };
        struct nlattr *info = message->attributes[IFLA_LINKINFO], *attributes[IFLA_INFO_MAX + 1] = {};

        if (!info || nla_parse_nested(attributes, IFLA_INFO_MAX, info, policy) < 0 || !attributes[type])
                return NULL;
        return nla_get_string(attributes[type]);
}

static const NetworkInterface *interface_find(const NetworkInterface *interfaces, size_t n, unsigned index) {
        for (size_t i = 0; i < n; i++)
                if (interfaces[i].index == index)
                        return &interfaces[i];
        return NULL;
}

static int link_decode(const struct nlmsghdr *header, Link *ret) {
        struct nlattr *const *attributes;
        const struct ifinfomsg *body;
        int r;

        *ret = (Link) {};
        r = message_parse(header, NETWORK_LINKS, &ret->message);
        if (r < 0)
                return r;
        attributes = ret->message.attributes;
        body = ret->message.body;
        if (body->ifi_index <= 0 || !attributes[IFLA_IFNAME])
                return -EBADMSG;
        ret->index = (unsigned) body->ifi_index;
        ret->flags = body->ifi_flags;
        ret->master = message_u32(&ret->message, IFLA_MASTER, 0);
        /* An index of another namespace says nothing here. */
        if (!attributes[IFLA_LINK_NETNSID])
                ret->lower = message_u32(&ret->message, IFLA_LINK, 0);
        (void) nla_strlcpy(ret->name, attributes[IFLA_IFNAME], sizeof(ret->name));
        ret->kind = link_info(&ret->message, IFLA_INFO_KIND);
        ret->slave_kind = link_info(&ret->message, IFLA_INFO_SLAVE_KIND);
        return 0;
}

static int link_compare(const void *a, const void *b) {
        const Link *x = a, *y = b;

        return (x->index > y->index) - (x->index < y->index);
}

/* IFLA_LINK of a veth is its peer, whose IFLA_LINK is the veth. */
static void forget_peers(Links *links) {
        for (size_t i = 0; i < links->n; i++) {
                Link *link = &links->items[i], *other = links_find(links, link->lower);

                if (other && other->lower == link->index)
                        other->lower = link->lower = 0;
        }
}

int links_decode(const Messages *messages, const NetworkInterface *interfaces, size_t n_interfaces, Links *ret) {
        _cleanup_(network_links_clear) Links links = {};

        links.items = calloc(messages_count(messages) + 1, sizeof(*links.items));
        if (!links.items)
                return -ENOMEM;
        for (const struct nlmsghdr *m = NULL; (m = messages_next(messages, m));)
                if (link_decode(m, &links.items[links.n]) >= 0)
                        links.n++;
        qsort(links.items, links.n, sizeof(*links.items), link_compare);
        for (size_t i = 0; i < links.n; i++) {
                Link *link = &links.items[i];

                link->settings = interface_find(interfaces, n_interfaces, link->index);
                link->interface = link->settings && link->settings->device ? link->settings : NULL;
        }
        forget_peers(&links);
        *ret = links;
        links = (Links) {};
        return 0;
}

void network_links_clear(Links *links) {
        free(links->items);
        *links = (Links) {};
}

Link *links_find(const Links *links, unsigned index) {
        Link key = { .index = index };

        if (index == 0 || links->n == 0)
                return NULL;
        return bsearch(&key, links->items, links->n, sizeof(key), link_compare);
}

/* matching */

static bool string_equal(const char *a, const char *b) {
        return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_same_hardware(const Link *a, const Link *b) {
        return a->interface && b->interface && a->interface->port == b->interface->port &&
                        strcmp(a->interface->device, b->interface->device) == 0;
}

/* Indexes are given to others only when 2^31 of them have been used up, or on request. */
static bool is_same_by_index(const Link *then, const Link *now) {
        if (then->interface || now->interface)
                return is_same_hardware(then, now);
        return string_equal(then->kind, now->kind);
}

static bool is_taken(const Links *then, const Link *now) {
        for (size_t i = 0; i < then->n; i++)
                if (then->items[i].now == now)
                        return true;
        return false;
}

/* Of a device's several interfaces on one port, the one that has the name. */
static Link *find_anew(const Links *then, const Link *link, const Links *now) {
        Link *found = NULL;

        for (size_t i = 0; i < now->n; i++) {
                Link *other = &now->items[i];
                bool has_name = strcmp(link->name, other->name) == 0;

                if (link->interface ? !is_same_hardware(link, other)
                                    : !has_name || other->interface || !string_equal(link->kind, other->kind))
                        continue;
                if ((found && !has_name) || is_taken(then, other))
                        continue;
                found = other;
        }
        return found;
}

void links_match(Links *then, Links *now) {
        for (size_t i = 0; i < then->n; i++) {
                Link *link = &then->items[i], *same = links_find(now, link->index);

                link->now = same && is_same_by_index(link, same) ? same : NULL;
        }
        for (size_t i = 0; i < then->n; i++)
                if (!then->items[i].now)
                        then->items[i].now = find_anew(then, &then->items[i], now);
}

void links_match_anew(Links *then, Links *now) {
        for (size_t i = 0; i < then->n; i++)
                then->items[i].now = NULL;
        for (size_t i = 0; i < then->n; i++)
                then->items[i].now = find_anew(then, &then->items[i], now);
}

bool link_is_anew(const Link *then) {
        return then->now && then->now->index != then->index;
}

/* what sits on what */

static bool raise_level(Link *upper, const Link *lower) {
        if (!upper || upper == lower || !lower->is_concerned || lower->level >= LEVELS_MAX)
                return false;
        if (upper->is_concerned && upper->level > lower->level)
                return false;
        upper->is_concerned = true;
        upper->level = lower->level + 1;
        return true;
}

void links_concern(Links *then, LinkFilter is_base, const void *userdata) {
        bool has_changed = true;

        for (size_t i = 0; i < then->n; i++) {
                then->items[i].is_concerned = is_base(&then->items[i], userdata);
                then->items[i].level = 0;
        }
        /* No more rounds than there can be levels, should some form a ring. */
        for (size_t round = 0; has_changed && round < then->n; round++) {
                has_changed = false;
                for (size_t i = 0; i < then->n; i++) {
                        Link *link = &then->items[i], *lower = links_find(then, link->lower);

                        has_changed |= lower && raise_level(link, lower);
                        has_changed |= raise_level(links_find(then, link->master), link);
                }
        }
}
