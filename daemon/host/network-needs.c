/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a link needs of others, and whether it can be made at all. */

#include <errno.h>
#include <linux/if_link.h>
#include <netlink/attr.h>
#include <string.h>

#include "host/network-links.h"

const Link *restore_then_of(const Restore *r, unsigned index) {
        for (size_t i = 0; i < r->then.n; i++)
                if (r->then.items[i].now && r->then.items[i].now->index == index)
                        return &r->then.items[i];
        return NULL;
}

static bool is_kind(const Link *link, const char *kind) {
        return link->kind && strcmp(link->kind, kind) == 0;
}

unsigned link_peer(const Link *link) {
        if (!is_kind(link, "veth") || link->message.attributes[IFLA_LINK_NETNSID])
                return 0;
        return message_u32(&link->message, IFLA_LINK, 0);
}

unsigned link_reference(const Link *link, size_t i) {
        struct nlattr *data = link->kind ? link_info_attribute(link, IFLA_INFO_DATA) : NULL, *a;
        int left;

        if (link_peer(link) != 0)
                return i == 0 ? link_peer(link) : 0;
        if (data)
                nla_for_each_nested(a, data, left) {
                        const LinkOption *option = link_option(link_kind(link->kind), nla_type(a));
                        uint32_t index = 0;

                        if (!(option->flags & OPTION_INDEX) || nla_len(a) < (int) sizeof(index))
                                continue;
                        memcpy(&index, nla_data(a), sizeof(index));
                        if (index != 0 && i-- == 0)
                                return index;
                }
        return 0;
}

bool link_is_waited_for(const Link *link) {
        struct nlattr *data = is_kind(link, "tun") ? link_info_attribute(link, IFLA_INFO_DATA) : NULL;
        struct nlattr *persist = data ? nla_find(nla_data(data), nla_len(data), IFLA_TUN_PERSIST) : NULL;

        if (is_kind(link, "tun"))
                return !persist || nla_len(persist) < 1 || nla_get_u8(persist) == 0;
        return link->interface;
}

const char *link_not_carried(const Link *link) {
        const LinkKind *kind = link_kind(link->kind);

        if (link->interface || (link->flags & IFF_LOOPBACK))
                return NULL;
        if (!link->kind)
                return "it is of a kind that is not known";
        if (kind->not_carried)
                return kind->not_carried;
        if (is_kind(link, "veth") && link_peer(link) == 0)
                return "its other end is in another network namespace";
        if (link->message.attributes[IFLA_LINK_NETNSID] || (kind->has_lower && link->lower == 0))
                return "what it sits on is in another network namespace";
        return NULL;
}
