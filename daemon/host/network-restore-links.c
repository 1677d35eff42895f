/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Interfaces: what they are called, what they are set to, what they belong to, and whether they are up. The lower
 * ones first: to take one down or up takes VLANs along (net/8021q/vlan.c, vlan_device_event()), whatever they were
 * before. */

#include <errno.h>
#include <linux/if_link.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <string.h>

#include "host/network-internal.h"

/* A change of `link`: flags, an attribute (`type` 0: none), or both. */
static int link_change(Restore *r, const Link *link, const struct ifinfomsg *flags, int type, const void *data,
                size_t size) {
        struct ifinfomsg body = flags ? *flags : (struct ifinfomsg) {};
        _cleanup_(nl_msg_freep) struct nl_msg *m = NULL;

        body.ifi_index = (int) link->index;
        m = request_new(RTM_SETLINK, 0, &body, sizeof(body), nla_total_size((int) size));
        if (!m || (type != 0 && nla_put(m, type, (int) size, data) < 0))
                return -ENOMEM;
        r->n_sent++;
        r->is_stale = true;
        return netlink_request_one(r->sk, m);
}

static int link_set_up(Restore *r, Link *link, bool is_up) {
        struct ifinfomsg body = { .ifi_flags = is_up ? IFF_UP : 0, .ifi_change = IFF_UP };
        int k = link_change(r, link, &body, 0, NULL, 0);

        if (k >= 0)
                link->flags = (link->flags & ~(unsigned) IFF_UP) | (is_up ? IFF_UP : 0);
        return k;
}

/* Some changes are not for interfaces that are up, with some drivers or on older kernels; it comes up again below. */
static int link_set(Restore *r, Link *link, int type, const void *data, size_t size) {
        int k = link_change(r, link, NULL, type, data, size);

        if ((k != -EBUSY && !(type == IFLA_MASTER && k == -EPERM)) || !(link->flags & IFF_UP))
                return k;
        if (link_set_up(r, link, false) < 0)
                return k;
        return link_change(r, link, NULL, type, data, size);
}

static void link_put_back(Restore *r, const Link *then, const char *what, int type, const void *data, size_t size) {
        int k = link_set(r, then->now, type, data, size);

        if (k < 0)
                restore_fail(r, k, "Cannot put back the %s of %s: %s.", what, then->name, strerror(-k));
}

/* names */

static int link_rename(Restore *r, Link *link, const char *name) {
        int k = link_set(r, link, IFLA_IFNAME, name, strlen(name) + 1);

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

/* settings */

static bool has_lost_master(const Link *then) {
        return then->master != 0 && then->now->master == 0;
}

static void restore_numbers(Restore *r, const Link *then) {
        static const struct {
                int type;
                const char *what;
        } numbers[] = {
                { IFLA_MTU, "MTU" },
                { IFLA_TXQLEN, "transmit queue length" },
                { IFLA_GROUP, "group" },
        };

        for (size_t i = 0; i < ELEMENTSOF(numbers); i++) {
                int type = numbers[i].type;
                uint32_t wanted = message_u32(&then->message, type, 0);

                if (then->message.attributes[type] && then->now->message.attributes[type] &&
                                wanted != message_u32(&then->now->message, type, 0))
                        link_put_back(r, then, numbers[i].what, type, &wanted, sizeof(wanted));
        }
}

static void restore_mac(Restore *r, const Link *then) {
        const struct nlattr *wanted = then->message.attributes[IFLA_ADDRESS];
        const struct nlattr *now = then->now->message.attributes[IFLA_ADDRESS];

        /* A bond gives its slaves theirs, and must not take what it gave for a slave's own. */
        if (then->slave_kind && strcmp(then->slave_kind, "bond") == 0)
                return;
        if (wanted && now && nla_len(wanted) == nla_len(now) && memcmp(nla_data(wanted), nla_data(now),
                                                                                 (size_t) nla_len(now)) != 0)
                link_put_back(r, then, "MAC address", IFLA_ADDRESS, nla_data(wanted), (size_t) nla_len(wanted));
}

static void restore_alias(Restore *r, const Link *then) {
        const struct nlattr *wanted = then->message.attributes[IFLA_IFALIAS];

        if (wanted && !then->now->message.attributes[IFLA_IFALIAS])
                link_put_back(r, then, "alias", IFLA_IFALIAS, nla_data(wanted), (size_t) nla_len(wanted));
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

static void restore_altnames(Restore *r, const Link *then) {
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

static void restore_flags(Restore *r, const Link *then) {
        unsigned changed = (then->flags ^ then->now->flags) & (IFF_NOARP | IFF_PROMISC | IFF_ALLMULTI | IFF_MULTICAST);
        struct ifinfomsg body = { .ifi_flags = then->flags & changed, .ifi_change = changed };
        int k = changed ? link_change(r, then->now, &body, 0, NULL, 0) : 0;

        if (k < 0)
                restore_fail(r, k, "Cannot put back the flags of %s: %s.", then->name, strerror(-k));
}

static void restore_hardware(Restore *r, const Link *then) {
        const NetworkInterface *interface = then->interface;
        int k;

        for (EthtoolSetting setting = 0; interface && setting < _SETTING_MAX; setting++) {
                k = ethtool_restore(nl_socket_get_fd(r->sk), then->now->name, setting, &interface->settings[setting]);
                if (k < 0)
                        restore_fail(r, k, "Cannot put back the %s of %s: %s.", ethtool_setting_name(setting),
                                        then->name, strerror(-k));
                r->n_sent += k > 0;
                r->is_stale |= k > 0;
        }
        for (size_t i = 0; interface && link_is_anew(then) && i < interface->n_sysctls; i++) {
                k = sysctl_restore(then->now->name, interface->sysctls[i]);
                if (k < 0)
                        restore_fail(r, k, "Cannot put back %s of %s: %s.", interface->sysctls[i], then->name,
                                        strerror(-k));
                r->n_sent += k > 0;
        }
}

static void restore_master(Restore *r, const Link *then) {
        uint32_t master = restore_index(r, then->master);

        if (has_lost_master(then) && master != 0)
                link_put_back(r, then, "master", IFLA_MASTER, &master, sizeof(master));
}

static void restore_link(Restore *r, const Link *then) {
        restore_mac(r, then);
        restore_numbers(r, then);
        restore_alias(r, then);
        restore_altnames(r, then);
        restore_flags(r, then);
        restore_hardware(r, then);
        restore_master(r, then);
}

static void restore_up(Restore *r, const Link *then) {
        bool is_up = then->flags & IFF_UP;
        int k;

        if (is_up == (bool) (then->now->flags & IFF_UP))
                return;
        k = link_set_up(r, then->now, is_up);
        if (k < 0)
                restore_fail(r, k, "Cannot set %s %s: %s.", then->name, is_up ? "up" : "down", strerror(-k));
}

/* Of one level. Links are read anew between the two, and before the next, as far as something was changed. */
static int restore_level(Restore *r, unsigned level, bool *ret_any) {
        static void (*const parts[])(Restore *, const Link *) = { restore_link, restore_up };
        int k = 0;

        *ret_any = false;
        for (size_t part = 0; k >= 0 && part < ELEMENTSOF(parts); part++) {
                for (size_t i = 0; i < r->then.n; i++) {
                        const Link *then = &r->then.items[i];

                        if (!then->is_concerned || then->level != level)
                                continue;
                        *ret_any = true;
                        if (then->now)
                                parts[part](r, then);
                }
                k = restore_refresh(r);
        }
        return k;
}

int restore_links(Restore *r) {
        bool any = true;
        int k = 0;

        for (unsigned level = 0; k >= 0 && any && level <= r->then.n; level++)
                k = restore_level(r, level, &any);
        return k;
}
