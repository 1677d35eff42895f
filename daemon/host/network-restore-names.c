/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What interfaces are called. */

#include <errno.h>
#include <linux/if_link.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <string.h>

#include "host/network-links.h"

static int link_rename(Restore *r, Link *link, const char *name) {
        int k = restore_attribute(r, link, IFLA_IFNAME, name, strlen(name) + 1);

        if (k >= 0)
                (void) snprintf(link->name, sizeof(link->name), "%s", name);
        return k;
}

static const Link *link_then(const Restore *r, const Link *now) {
        for (size_t i = 0; i < r->then.n; i++)
                if (r->then.items[i].now == now)
                        return &r->then.items[i];
        return NULL;
}

/* Who has the name, and will be renamed as well, gets one of no meaning until then. */
static bool make_way(Restore *r, const char *name) {
        char aside[IFNAMSIZ];

        for (size_t i = 0; i < r->now.n; i++) {
                Link *other = &r->now.items[i];
                const Link *then;

                if (strcmp(other->name, name) != 0)
                        continue;
                then = link_then(r, other);
                if (!then || !then->is_concerned || strcmp(then->name, name) == 0)
                        return false;
                (void) snprintf(aside, sizeof(aside), "lu%u", other->index);
                return link_rename(r, other, aside) >= 0;
        }
        return false;
}

int restore_names(Restore *r) {
        for (size_t i = 0; i < r->then.n; i++) {
                const Link *then = &r->then.items[i];
                int k;

                if (!then->is_concerned || !then->now || strcmp(then->name, then->now->name) == 0)
                        continue;
                k = link_rename(r, then->now, then->name);
                if (k == -EEXIST && make_way(r, then->name))
                        k = link_rename(r, then->now, then->name);
                if (k < 0)
                        restore_fail(r, k, "Cannot give %s its name %s back: %s.", then->now->name, then->name,
                                        strerror(-k));
        }
        return restore_refresh(r);
}

void restore_alias(Restore *r, const Link *then) {
        const struct nlattr *wanted = then->message.attributes[IFLA_IFALIAS];

        if (wanted && !then->now->message.attributes[IFLA_IFALIAS])
                restore_attribute_of(r, then, "alias", IFLA_IFALIAS, nla_data(wanted), (size_t) nla_len(wanted));
}

static bool has_altname(const Message *message, const struct nlattr *name) {
        struct nlattr *list = message->attributes[IFLA_PROP_LIST], *other;
        int left;

        if (list)
                nla_for_each_nested(other, list, left)
                        if (nla_type(other) == IFLA_ALT_IFNAME && nla_len(other) == nla_len(name) &&
                                        memcmp(nla_data(other), nla_data(name), (size_t) nla_len(name)) == 0)
                                return true;
        return false;
}

static int add_altname(Restore *r, const Link *link, const struct nlattr *name) {
        struct ifinfomsg body = { .ifi_index = (int) link->index };
        _cleanup_(nl_msg_freep) struct nl_msg *m = request_new(RTM_NEWLINKPROP,
                        NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND, &body, sizeof(body),
                        NLA_HDRLEN + nla_total_size(nla_len(name)));
        struct nlattr *list = m ? nla_nest_start(m, IFLA_PROP_LIST | NLA_F_NESTED) : NULL;

        if (!list || nla_put(m, IFLA_ALT_IFNAME, nla_len(name), nla_data(name)) < 0)
                return -ENOMEM;
        (void) nla_nest_end(m, list);
        r->n_sent++;
        r->is_stale = true;
        return netlink_request_one(r->sk, m);
}

void restore_altnames(Restore *r, const Link *then) {
        struct nlattr *list = then->message.attributes[IFLA_PROP_LIST], *name;
        int left, k;

        if (list)
                nla_for_each_nested(name, list, left) {
                        if (nla_type(name) != IFLA_ALT_IFNAME || has_altname(&then->now->message, name))
                                continue;
                        k = add_altname(r, then->now, name);
                        if (k < 0 && k != -EEXIST)
                                restore_fail(r, k, "Cannot put back an alternative name of %s: %s.", then->name,
                                                strerror(-k));
                }
}
