/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Making virtual links that are missing, as many at a time as do not sit on each other. What they begin with is in the
 * request that makes them; the rest is set when they are there, in the order in which it depends on others. */

#include <errno.h>
#include <linux/if_link.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <string.h>

#include "host/network-links.h"

static bool is_kind(const Link *link, const char *kind) {
        return link->kind && strcmp(link->kind, kind) == 0;
}

static bool is_there(const Restore *r, unsigned index) {
        return index == 0 || restore_index(r, index) != 0;
}

/* What it needs before it can be made. Its ports come later. */
static bool has_base(const Restore *r, const Link *then) {
        struct nlattr *data = link_info_attribute(then, IFLA_INFO_DATA), *a;
        int left;

        if (!is_there(r, then->lower))
                return false;
        if (data)
                nla_for_each_nested(a, data, left) {
                        const LinkOption *option = link_option(link_kind(then->kind), nla_type(a));
                        uint32_t index = 0;

                        if (!(option->flags & OPTION_INDEX) || (option->flags & OPTION_LATE) ||
                                        nla_len(a) < (int) sizeof(index))
                                continue;
                        memcpy(&index, nla_data(a), sizeof(index));
                        if (!is_there(r, index))
                                return false;
                }
        return true;
}

static bool is_to_make(const Link *then) {
        return then->is_concerned && !then->now && !(then->flags & IFF_LOOPBACK) && !link_is_waited_for(then) &&
               !link_not_carried(then);
}

/* Of a pair, the first asks for both. */
static bool is_asked_by_peer(Restore *r, const Link *then, const bool *is_tried) {
        const Link *peer = links_find(&r->then, link_peer(then));

        return peer && is_tried[peer - r->then.items];
}

/* False: it cannot be, and that is told. */
static bool has_peer(Restore *r, const Link *then) {
        const Link *peer = links_find(&r->then, link_peer(then));

        if (!is_kind(then, "veth") || (peer && is_kind(peer, "veth") && !peer->now && peer != then))
                return true;
        restore_fail(r, -EEXIST, "Cannot make %s: its other end %s.", then->name,
                        peer ? "is there already, and is another's" : "is not among what was captured");
        return false;
}

static int make_tun(Restore *r, const Link *then) {
        int k = tun_make(then, link_free_index(r, then));

        r->n_sent++;
        r->is_stale = true;
        if (k < 0)
                restore_fail(r, k, "Cannot make %s through /dev/net/tun: %s.", then->name, strerror(-k));
        return 0;
}

/* Appends what is to be made now; `ret_n`: how many, taps among them, which are made at once. */
static int collect(Restore *r, bool *is_tried, Messages *requests, size_t *ret_n) {
        int k = 0;

        *ret_n = 0;
        for (size_t i = 0; k >= 0 && i < r->then.n; i++) {
                _cleanup_(nl_msg_freep) struct nl_msg *m = NULL;
                Link *then = &r->then.items[i];

                if (is_tried[i] || !is_to_make(then) || !has_base(r, then))
                        continue;
                is_tried[i] = then->is_made = true;
                if (is_asked_by_peer(r, then, is_tried) || !has_peer(r, then))
                        continue;
                (*ret_n)++;
                if (is_kind(then, "tun")) {
                        k = make_tun(r, then);
                        continue;
                }
                m = link_creation(r, then);
                k = m ? messages_append(requests, nlmsg_hdr(m)) : -ENOMEM;
        }
        return k;
}

static const Link *requested(const Restore *r, const struct nlmsghdr *m) {
        const struct nlattr *name = nlmsg_find_attr((struct nlmsghdr *) m, sizeof(struct ifinfomsg), IFLA_IFNAME);

        for (size_t i = 0; name && i < r->then.n; i++)
                if (strcmp(r->then.items[i].name, nla_data(name)) == 0)
                        return &r->then.items[i];
        return NULL;
}

static void tell_not_made(Restore *r, const Link *then, int error) {
        if (error == -EEXIST)
                restore_fail(r, error, "Cannot make %s: there is an interface of that name, of another kind.",
                                then->name);
        else
                restore_fail(r, error, "Cannot make %s, of kind %s: %s.%s", then->name, then->kind, strerror(-error),
                                error == -EOPNOTSUPP ? " This kernel has no such interfaces." : "");
}

/* Some are there when their module is (sit0), before they are asked for. */
static int make(Restore *r, const Messages *requests) {
        _cleanup_free_ int *errors = calloc(messages_count(requests) + 1, sizeof(int));
        size_t i = 0;
        int k = errors ? netlink_request(r->sk, requests, errors) : -ENOMEM;

        if (requests->size != 0)
                r->is_stale = true;
        if (k >= 0)
                k = restore_refresh(r);
        for (const struct nlmsghdr *m = NULL; k >= 0 && (m = messages_next(requests, m)); i++) {
                const Link *then = errors[i] < 0 ? requested(r, m) : NULL;

                r->n_sent++;
                if (then && !then->now)
                        tell_not_made(r, then, errors[i]);
        }
        return k;
}

/* Owners of taps that are there. */
static void adjust_taps(Restore *r) {
        for (size_t i = 0; i < r->then.n; i++) {
                const Link *then = &r->then.items[i];
                int k;

                if (!then->is_concerned || !then->now || !is_kind(then, "tun") || then->is_made ||
                                restore_leaves(r, then))
                        continue;
                k = tun_adjust(then);
                r->n_sent += k > 0;
                if (k < 0)
                        restore_fail(r, k, "Cannot set the owner of %s: %s.", then->name, strerror(-k));
        }
}

int restore_missing(Restore *r) {
        _cleanup_free_ bool *is_tried = calloc(r->then.n + 1, sizeof(bool));
        size_t n = 1;
        int k = is_tried ? restore_refresh(r) : -ENOMEM;

        if (!r->makes_links)
                return k;
        while (k >= 0 && n > 0) {
                _cleanup_(messages_clear) Messages requests = {};

                k = collect(r, is_tried, &requests, &n);
                if (k >= 0 && n > 0)
                        k = make(r, &requests);
        }
        if (k < 0)
                return k;
        adjust_taps(r);
        return restore_options(r, OPTIONS_OWN);
}
