/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Interfaces: what they are set to, what they belong to, and whether they are up. The lower ones first: to take one
 * down or up takes VLANs along (net/8021q/vlan.c, vlan_device_event()), whatever they were before. */

#include <errno.h>
#include <linux/if_link.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <string.h>

#include "host/network-links.h"

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
int restore_attribute(Restore *r, Link *link, int type, const void *data, size_t size) {
        int k = link_change(r, link, NULL, type, data, size);

        if ((k != -EBUSY && !(type == IFLA_MASTER && k == -EPERM)) || !(link->flags & IFF_UP))
                return k;
        if (link_set_up(r, link, false) < 0)
                return k;
        return link_change(r, link, NULL, type, data, size);
}

void restore_attribute_of(Restore *r, const Link *then, const char *what, int type, const void *data, size_t size) {
        int k = restore_attribute(r, then->now, type, data, size);

        if (k < 0)
                restore_fail(r, k, "Cannot put back the %s of %s: %s.", what, then->name, strerror(-k));
}

/* settings */

/* Whether it is somebody else's by now, which is told. */
static bool leaves(Restore *r, const Link *then, const char *what) {
        if (!restore_leaves(r, then))
                return false;
        restore_fail(r, -EEXIST, "The %s of %s is otherwise than it was, and left so.", what, then->name);
        return true;
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
                                wanted != message_u32(&then->now->message, type, 0) &&
                                !leaves(r, then, numbers[i].what))
                        restore_attribute_of(r, then, numbers[i].what, type, &wanted, sizeof(wanted));
        }
}

static void restore_mac(Restore *r, const Link *then) {
        const struct nlattr *wanted = then->message.attributes[IFLA_ADDRESS];
        const struct nlattr *now = then->now->message.attributes[IFLA_ADDRESS];

        /* A bond gives its slaves theirs, and must not take what it gave for a slave's own. */
        if (then->slave_kind && strcmp(then->slave_kind, "bond") == 0)
                return;
        if (wanted && now && nla_len(wanted) == nla_len(now) &&
                        memcmp(nla_data(wanted), nla_data(now), (size_t) nla_len(now)) != 0 &&
                        !leaves(r, then, "MAC address"))
                restore_attribute_of(r, then, "MAC address", IFLA_ADDRESS, nla_data(wanted), (size_t) nla_len(wanted));
}

static void restore_flags(Restore *r, const Link *then) {
        unsigned changed = (then->flags ^ then->now->flags) & (IFF_NOARP | IFF_PROMISC | IFF_ALLMULTI | IFF_MULTICAST);
        struct ifinfomsg body = { .ifi_flags = then->flags & changed, .ifi_change = changed };
        int k = changed && !leaves(r, then, "set of flags") ? link_change(r, then->now, &body, 0, NULL, 0) : 0;

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
        for (size_t i = 0; interface && !r->makes_links && link_is_anew(then) && i < interface->n_sysctls; i++) {
                k = sysctl_restore(then->now->name, interface->sysctls[i]);
                if (k < 0)
                        restore_fail(r, k, "Cannot put back %s of %s: %s.", interface->sysctls[i], then->name,
                                        strerror(-k));
                r->n_sent += k > 0;
        }
}

/* While interfaces are only put back, one that was given away is left where it is. */
static void restore_master(Restore *r, const Link *then) {
        uint32_t master = restore_index(r, then->master), now = then->now->master;

        if (master == 0 || master == now || (now != 0 && (!r->makes_links || leaves(r, then, "master"))))
                return;
        restore_attribute_of(r, then, "master", IFLA_MASTER, &master, sizeof(master));
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

/* Since Linux 7.1 a VLAN comes up with what it sits on a moment later, on a work queue, unless it was opened or closed
 * meanwhile (net/8021q/vlan_dev.c, vlan_dev_open()). */
static bool is_about_to_come_up(const Restore *r, const Link *then) {
        const Link *lower = links_find(&r->then, then->lower);

        return then->kind && strcmp(then->kind, "vlan") == 0 && lower && lower->is_raised &&
               !(then->now->flags & IFF_UP);
}

static void restore_up(Restore *r, const Link *then) {
        bool is_up = then->flags & IFF_UP;
        int k;

        if (!is_up && is_about_to_come_up(r, then))
                (void) link_set_up(r, then->now, true);
        if (is_up == (bool) (then->now->flags & IFF_UP))
                return;
        if (!is_up && leaves(r, then, "state"))
                return;
        k = link_set_up(r, then->now, is_up);
        links_find(&r->then, then->index)->is_raised = is_up && k >= 0;
        if (k < 0)
                restore_fail(r, k, "Cannot set %s %s: %s.", then->name, is_up ? "up" : "down", strerror(-k));
}

typedef void (*LinkPart)(Restore *, const Link *);

/* Of one level. Links are read anew after it, as far as something was changed. */
static int restore_level(Restore *r, unsigned level, LinkPart part, bool *ret_any) {
        *ret_any = false;
        for (size_t i = 0; i < r->then.n; i++) {
                const Link *then = &r->then.items[i];

                if (!then->is_concerned || then->level != level)
                        continue;
                *ret_any = true;
                if (then->now)
                        part(r, then);
        }
        return restore_refresh(r);
}

static int restore_levels(Restore *r, LinkPart part) {
        bool any = true;
        int k = 0;

        for (unsigned level = 0; k >= 0 && any && level <= r->then.n; level++)
                k = restore_level(r, level, part, &any);
        return k;
}

/* A bridge knows nothing of a port that was unregistered meanwhile. */
static int restore_ports_anew(Restore *r, unsigned level) {
        bool any = false;
        int k;

        for (size_t i = 0; i < r->then.n; i++) {
                const Link *then = &r->then.items[i];

                any |= then->is_concerned && then->level == level && then->slave_kind && link_is_anew(then);
        }
        if (!any)
                return 0;
        k = restore_options(r, OPTIONS_PORT);
        return k < 0 ? k : restore_vlans(r);
}

/* Level after level is made what it was, and comes up, before the next. */
static int restore_stack(Restore *r) {
        bool any = true;
        int k = 0;

        for (unsigned level = 0; k >= 0 && any && level <= r->then.n; level++) {
                k = restore_level(r, level, restore_link, &any);
                if (k >= 0)
                        k = restore_ports_anew(r, level);
                if (k >= 0)
                        k = restore_level(r, level, restore_up, &any);
        }
        return k;
}

static void restore_all_sysctls(Restore *r) {
        _cleanup_(defaults_clear) Defaults defaults = {};

        for (size_t i = 0; i < r->then.n; i++)
                if (r->then.items[i].is_concerned && r->then.items[i].now)
                        restore_sysctls(r, &r->then.items[i], &defaults);
}

/* Nothing comes up before all is as it is to be: a bridge would forward what it should not, and IPv6 begins at once. */
static int restore_made(Restore *r) {
        int k = restore_levels(r, restore_link);

        if (k >= 0)
                k = restore_options(r, OPTIONS_PORT);
        if (k >= 0)
                k = restore_vlans(r);
        if (k < 0)
                return k;
        restore_all_sysctls(r);
        k = restore_levels(r, restore_up);
        if (k >= 0)
                k = restore_options(r, OPTIONS_OWN_LATE);
        return k < 0 ? k : restore_options(r, OPTIONS_PORT_LATE);
}

int restore_links(Restore *r) {
        return r->makes_links ? restore_made(r) : restore_stack(r);
}
