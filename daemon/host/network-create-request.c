/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The request that makes a link, with all that it can have from the beginning. */

#include <errno.h>
#include <linux/if_link.h>
#include <linux/veth.h>
#include <net/if_arp.h>
#include <netlink/attr.h>
#include <string.h>

#include "host/network-links.h"

/* Of attributes, but for options, which are counted. */
#define REQUEST_BYTES 1024U

/* A bond gives its slaves its own, as long as they are its slaves. */
static const struct nlattr *own_mac(const Link *then) {
        struct nlattr *data = link_info_attribute(then, IFLA_INFO_SLAVE_DATA);

        if (!data || !then->slave_kind || strcmp(then->slave_kind, "bond") != 0)
                return then->message.attributes[IFLA_ADDRESS];
        return nla_find(nla_data(data), nla_len(data), IFLA_BOND_SLAVE_PERM_HWADDR);
}

/* NULL: none is given. Who has its lower one's follows that. */
static const struct nlattr *given_mac(const Restore *r, const Link *then) {
        const struct ifinfomsg *body = then->message.body;
        const struct nlattr *mac = own_mac(then), *lower_mac;
        const Link *lower = links_find(&r->then, then->lower);

        if (!mac || body->ifi_type != ARPHRD_ETHER)
                return NULL;
        lower_mac = lower ? lower->message.attributes[IFLA_ADDRESS] : NULL;
        if (lower_mac && nla_len(lower_mac) == nla_len(mac) &&
                        memcmp(nla_data(lower_mac), nla_data(mac), (size_t) nla_len(mac)) == 0)
                return NULL;
        return mac;
}

/* What sits on another cannot be given an MTU before the other has its own. */
static int put_beginning(const Restore *r, const Link *then, struct nl_msg *m) {
        static const int numbers[] = { IFLA_TXQLEN, IFLA_GROUP, IFLA_NUM_TX_QUEUES, IFLA_NUM_RX_QUEUES };
        const struct nlattr *mac = given_mac(r, then);
        bool is_alone = then->lower == 0 && (link_peer(then) != 0 || link_reference(then, 0) == 0);
        int k = nla_put_string(m, IFLA_IFNAME, then->name);

        if (k >= 0 && mac)
                k = nla_put(m, IFLA_ADDRESS, nla_len(mac), nla_data(mac));
        if (k >= 0 && is_alone && then->message.attributes[IFLA_MTU])
                k = nla_put_u32(m, IFLA_MTU, message_u32(&then->message, IFLA_MTU, 0));
        for (size_t i = 0; k >= 0 && i < ELEMENTSOF(numbers); i++)
                if (then->message.attributes[numbers[i]])
                        k = nla_put_u32(m, numbers[i], message_u32(&then->message, numbers[i], 0));
        if (k >= 0 && then->lower != 0)
                k = nla_put_u32(m, IFLA_LINK, restore_index(r, then->lower));
        return k;
}

/* Its old one; else one above all, so that it meets none that another asks for, or that the kernel hands out on the
 * way. */
unsigned link_free_index(const Restore *r, const Link *then) {
        size_t position = (size_t) (then - r->then.items);
        unsigned last;

        if (!links_find(&r->now, then->index))
                return then->index;
        last = r->then.items[r->then.n - 1].index;
        if (r->now.n > 0 && r->now.items[r->now.n - 1].index > last)
                last = r->now.items[r->now.n - 1].index;
        if (last >= INT32_MAX - position)
                return 0;
        return last + 1 + (unsigned) position;
}

static int put_peer(const Restore *r, const Link *then, struct nl_msg *m) {
        const Link *peer = links_find(&r->then, link_peer(then));
        struct ifinfomsg body = { .ifi_index = (int) link_free_index(r, peer) };
        struct nlattr *data = nla_nest_start(m, IFLA_INFO_DATA);
        struct nlattr *nest = data ? nla_nest_start(m, VETH_INFO_PEER) : NULL;

        if (!nest || nlmsg_append(m, &body, sizeof(body), NLMSG_ALIGNTO) < 0 || put_beginning(r, peer, m) < 0)
                return -ENOMEM;
        (void) nla_nest_end(m, nest);
        (void) nla_nest_end(m, data);
        return 0;
}

struct nl_msg *link_creation(const Restore *r, const Link *then) {
        struct ifinfomsg body = { .ifi_index = (int) link_free_index(r, then) };
        struct nlattr *given = link_info_attribute(then, IFLA_INFO_DATA), *info;
        _cleanup_(nl_msg_freep) struct nl_msg *m = request_new(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &body,
                        sizeof(body), REQUEST_BYTES + (given ? (size_t) nla_len(given) : 0));

        if (!m || put_beginning(r, then, m) < 0)
                return NULL;
        info = nla_nest_start(m, IFLA_LINKINFO);
        if (!info || nla_put_string(m, IFLA_INFO_KIND, then->kind) < 0 ||
                        (link_peer(then) != 0 ? put_peer(r, then, m) : options_put_new(r, then, m)) < 0)
                return NULL;
        (void) nla_nest_end(m, info);
        return TAKE_PTR(m);
}
