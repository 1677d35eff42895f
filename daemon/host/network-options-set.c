/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Options of links, in the words of their kinds (IFLA_INFO_DATA), and of ports, in those of their masters
 * (IFLA_INFO_SLAVE_DATA): what they should be is compared with what they are, and the difference set. The kernel works
 * through a change in an order of its own, which is the one in which options depend on each other. */

#include <errno.h>
#include <linux/if_link.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <string.h>

#include "host/network-links.h"

/* Some options change others: a bond's monitoring interval its delays, its mode the interval. */
#define ROUNDS_MAX 3U

static bool is_of_port(OptionPart part) {
        return part == OPTIONS_PORT || part == OPTIONS_PORT_LATE;
}

static bool is_late(OptionPart part) {
        return part == OPTIONS_OWN_LATE || part == OPTIONS_PORT_LATE;
}

typedef struct Difference {
        Restore *r;
        const Link *then;
        OptionPart part;
        const LinkKind *kind;
        struct nlattr *wanted, *now;
} Difference;

/* False: nothing is to be set in this part. */
static bool difference_begin(Restore *r, const Link *then, OptionPart part, Difference *ret) {
        bool of_port = is_of_port(part);
        int type = of_port ? IFLA_INFO_SLAVE_DATA : IFLA_INFO_DATA;
        const char *then_kind = of_port ? then->slave_kind : then->kind;
        const char *now_kind = then->now ? of_port ? then->now->slave_kind : then->now->kind : NULL;

        if (!then->is_concerned || !then_kind || !now_kind || strcmp(then_kind, now_kind) != 0 ||
                        (of_port && restore_index(r, then->master) != then->now->master))
                return false;
        *ret = (Difference) {
                .r = r, .then = then, .part = part,
                .kind = of_port ? link_port_kind(then_kind) : link_kind(then_kind),
                .wanted = link_info_attribute(then, type),
                .now = link_info_attribute(then->now, type),
        };
        return ret->kind && ret->wanted;
}

static struct nlattr *find_option(const struct nlattr *data, int type) {
        return data ? nla_find(nla_data(data), nla_len(data), type) : NULL;
}

static bool option_differs(const Difference *d, int type, const LinkOption *option) {
        struct nlattr *wanted = find_option(d->wanted, type), *now = find_option(d->now, type);

        if ((option->flags & OPTION_STATE) || is_late(d->part) != !!(option->flags & OPTION_LATE))
                return false;
        return !option_is_as_wanted(d->r, option, wanted, now) && !option_waits(d->r, d->then, option, wanted);
}

static void tell_difference(const Difference *d, int type, const LinkOption *option) {
        char number[32];

        (void) snprintf(number, sizeof(number), "option %i", type);
        if (option->flags & OPTION_CREATE)
                restore_fail(d->r, -EEXIST,
                                "The %s of %s is otherwise than it was, and can only be given when it is made.",
                                option->name ?: number, d->then->name);
        else
                restore_fail(d->r, -EEXIST, "The %s of %s is otherwise than it was, and left so.",
                                option->name ?: number, d->then->name);
}

/* Those that are to be set, as a set of types; `tells`: why the others that differ are not. */
static size_t difference_find(const Difference *d, bool tells, unsigned char types[static MESSAGE_ATTRIBUTES_MAX + 1]) {
        bool leaves = restore_leaves(d->r, d->then);
        size_t n = 0;

        for (int type = 1; type <= MESSAGE_ATTRIBUTES_MAX; type++) {
                const LinkOption *option = link_option(d->kind, type);

                types[type] = 0;
                if (!option_differs(d, type, option))
                        continue;
                if (!leaves && !(option->flags & OPTION_CREATE))
                        types[type] = 1, n++;
                else if (tells)
                        tell_difference(d, type, option);
        }
        return n;
}

/* Of those that reset what they are not told, all goes along. */
static bool goes_along(const Difference *d, int type, const LinkOption *option) {
        return d->kind->is_whole && !(option->flags & OPTION_STATE) && find_option(d->wanted, type);
}

static int difference_put(const Difference *d, const unsigned char types[static MESSAGE_ATTRIBUTES_MAX + 1],
                struct nl_msg *m) {
        bool of_port = is_of_port(d->part);
        struct nlattr *info = nla_nest_start(m, IFLA_LINKINFO), *data;
        int k;

        if (!info || nla_put_string(m, of_port ? IFLA_INFO_SLAVE_KIND : IFLA_INFO_KIND,
                                     of_port ? d->then->slave_kind : d->then->kind) < 0)
                return -ENOMEM;
        data = nla_nest_start(m, of_port ? IFLA_INFO_SLAVE_DATA : IFLA_INFO_DATA);
        k = data ? 0 : -ENOMEM;
        for (int type = 1; k >= 0 && type <= MESSAGE_ATTRIBUTES_MAX; type++) {
                const LinkOption *option = link_option(d->kind, type);

                if (!types[type] && !goes_along(d, type, option))
                        continue;
                k = option_put(d->r, m, d->kind, type, find_option(d->wanted, type), find_option(d->now, type));
        }
        if (k < 0)
                return -ENOMEM;
        (void) nla_nest_end(m, data);
        (void) nla_nest_end(m, info);
        return 0;
}

static int difference_request(const Difference *d, const unsigned char types[static MESSAGE_ATTRIBUTES_MAX + 1],
                struct nl_msg **ret) {
        struct ifinfomsg body = { .ifi_index = (int) d->then->now->index };
        _cleanup_(nl_msg_freep) struct nl_msg *m = request_new(RTM_NEWLINK, 0, &body, sizeof(body),
                        (size_t) nla_len(d->wanted) + 1024);

        if (!m || difference_put(d, types, m) < 0)
                return -ENOMEM;
        *ret = TAKE_PTR(m);
        return 0;
}

/* setting */

/* Some are only for a bond that is down; it comes up again with the others. */
static int set_down(Restore *r, Link *link) {
        struct ifinfomsg body = { .ifi_index = (int) link->index, .ifi_change = IFF_UP };
        _cleanup_(nl_msg_freep) struct nl_msg *m = request_new(RTM_SETLINK, 0, &body, sizeof(body), 0);
        int k = m ? netlink_request_one(r->sk, m) : -ENOMEM;

        r->n_sent++;
        if (k >= 0)
                link->flags &= ~(unsigned) IFF_UP;
        return k;
}

static int set_one(const Difference *d, int type) {
        unsigned char types[MESSAGE_ATTRIBUTES_MAX + 1] = {};
        _cleanup_(nl_msg_freep) struct nl_msg *m = NULL;
        Link *now = d->then->now;
        int k;

        types[type] = 1;
        k = difference_request(d, types, &m);
        if (k < 0)
                return k;
        d->r->n_sent++;
        k = netlink_request_one(d->r->sk, m);
        if (k != -EBUSY || !(now->flags & IFF_UP) || is_of_port(d->part) || set_down(d->r, now) < 0)
                return k;
        return netlink_request_one(d->r->sk, m);
}

/* The kernel stops at the first that it does not take, and does not tell which. */
static void set_singly(const Difference *d) {
        unsigned char types[MESSAGE_ATTRIBUTES_MAX + 1];

        (void) difference_find(d, false, types);
        for (int type = 1; type <= MESSAGE_ATTRIBUTES_MAX; type++) {
                const LinkOption *option = link_option(d->kind, type);
                char number[32];
                int k = types[type] ? set_one(d, type) : 0;

                (void) snprintf(number, sizeof(number), "option %i", type);
                /* A bond takes no slave for its active one that it did not hear of yet, and chooses by itself. */
                if (k < 0 && (option->flags & (OPTION_CARRIER | OPTION_INDEX)) != (OPTION_CARRIER | OPTION_INDEX))
                        restore_fail(d->r, k, "Cannot set the %s of %s: %s.", option->name ?: number, d->then->name,
                                        strerror(-k));
        }
}

static int collect(Restore *r, OptionPart part, bool tells, Messages *requests) {
        unsigned char types[MESSAGE_ATTRIBUTES_MAX + 1];
        int k = 0;

        for (size_t i = 0; k >= 0 && i < r->then.n; i++) {
                _cleanup_(nl_msg_freep) struct nl_msg *m = NULL;
                Difference d;

                if (!difference_begin(r, &r->then.items[i], part, &d) || difference_find(&d, tells, types) == 0)
                        continue;
                k = difference_request(&d, types, &m);
                if (k >= 0)
                        k = messages_append(requests, nlmsg_hdr(m));
        }
        return k;
}

static int send_all(Restore *r, OptionPart part, const Messages *requests, bool *ret_has_failed) {
        _cleanup_free_ int *errors = calloc(messages_count(requests) + 1, sizeof(int));
        size_t i = 0;
        int k = errors ? netlink_request(r->sk, requests, errors) : -ENOMEM;

        *ret_has_failed = false;
        for (const struct nlmsghdr *m = NULL; k >= 0 && (m = messages_next(requests, m)); i++) {
                const struct ifinfomsg *body = NLMSG_DATA(m);
                const Link *then = restore_then_of(r, (unsigned) body->ifi_index);
                Difference d;

                r->n_sent += errors[i] >= 0;
                r->is_stale = true;
                if (errors[i] >= 0 || !then || !difference_begin(r, then, part, &d))
                        continue;
                *ret_has_failed = true;
                set_singly(&d);
        }
        return k;
}

int restore_options(Restore *r, OptionPart part) {
        bool has_failed = false;
        int k = 0;

        for (unsigned round = 0; k >= 0 && !has_failed && round < ROUNDS_MAX; round++) {
                _cleanup_(messages_clear) Messages requests = {};

                k = restore_refresh(r);
                if (k >= 0)
                        k = collect(r, part, round == 0, &requests);
                if (k < 0 || requests.size == 0)
                        return k;
                k = send_all(r, part, &requests, &has_failed);
        }
        return k < 0 ? k : restore_refresh(r);
}
