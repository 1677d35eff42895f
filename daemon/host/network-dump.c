/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the kernel has, table by table. */

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/nexthop.h>
#include <netlink/attr.h>

#include "basic/log.h"
#include "host/network-netlink.h"

/* A table that changes all the time cannot be had in one piece. */
#define DUMP_TRIES 10U

typedef struct Dump {
        Messages *messages;
        NetworkTable table;
        uint32_t sequence;
        int error;
        bool is_done, was_interrupted;
} Dump;

static bool is_wanted(const Message *message, NetworkTable table) {
        const struct rtmsg *route = message->body;
        const struct ndmsg *entry = message->body;

        switch (table) {
        case NETWORK_FDB: /* what a bridge has learned, it learns again */
                return entry->ndm_state & (NUD_PERMANENT | NUD_NOARP);
        case NETWORK_VLANS:
                return message->attributes[IFLA_AF_SPEC];
        case NETWORK_MDB:
                return message->attributes[MDBA_MDB];
        case NETWORK_ROUTES: /* multicast routing has families of its own here, and is up to its daemon */
                return !(route->rtm_flags & RTM_F_CLONED) &&
                                (route->rtm_family == AF_INET || route->rtm_family == AF_INET6 ||
                                                route->rtm_family == AF_MPLS);
        default:
                return true;
        }
}

static void dump_received(const struct nlmsghdr *m, void *userdata) {
        Dump *dump = userdata;
        Message message;

        if (m->nlmsg_seq != dump->sequence)
                return;
        if (m->nlmsg_flags & NLM_F_DUMP_INTR)
                dump->was_interrupted = true;
        if (m->nlmsg_type == NLMSG_DONE || m->nlmsg_type == NLMSG_ERROR) {
                const int *error = NLMSG_DATA(m);

                dump->is_done = true;
                if (dump->error == 0 && m->nlmsg_len >= NLMSG_LENGTH(sizeof(*error)) && netlink_is_error(*error))
                        dump->error = *error;
        } else if (dump->error == 0 && message_parse(m, dump->table, &message) >= 0 && is_wanted(&message, dump->table))
                dump->error = messages_append(dump->messages, m);
}

static uint32_t extensions_of(NetworkTable table) {
        /* Counters are the larger part of a link, and nothing to put back. */
        return table == NETWORK_VLANS ? RTEXT_FILTER_BRVLAN_COMPRESSED : RTEXT_FILTER_SKIP_STATS;
}

static int dump_once(struct nl_sock *sk, Dump *dump, uint16_t type, const void *body, size_t body_size) {
        _cleanup_(nl_msg_freep) struct nl_msg *m =
                        request_new(type, 0, body, body_size, NLA_HDRLEN + sizeof(uint32_t));
        int r;

        if (!m || (type == RTM_GETLINK && nla_put_u32(m, IFLA_EXT_MASK, extensions_of(dump->table)) < 0))
                return -ENOMEM;
        nlmsg_hdr(m)->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        nlmsg_hdr(m)->nlmsg_pid = nl_socket_get_local_port(sk);
        nlmsg_hdr(m)->nlmsg_seq = dump->sequence = nl_socket_use_seq(sk);
        r = nl_sendto(sk, nlmsg_hdr(m), nlmsg_hdr(m)->nlmsg_len);
        if (r < 0)
                return netlink_error(r);

        /* To the end, whatever comes: the next dump would find the rest. */
        while (!dump->is_done) {
                r = netlink_receive(sk, dump_received, dump);
                if (r < 0)
                        return r;
        }
        return dump->error;
}

static int dump_part(struct nl_sock *sk, NetworkTable table, Messages *messages, uint16_t type, const void *body,
                size_t body_size) {
        size_t size = messages->size;
        int r;

        for (unsigned try = 0;; try++) {
                Dump dump = { .messages = messages, .table = table };

                messages->size = size;
                r = dump_once(sk, &dump, type, body, body_size);
                if (r == -EOPNOTSUPP || r == -EAFNOSUPPORT)
                        return 0;
                if (r < 0 || !dump.was_interrupted)
                        return r;
                if (try + 1 == DUMP_TRIES) {
                        log_warning("The network changes faster than it can be read; some of it may be missed.");
                        return 0;
                }
        }
}

int netlink_dump(struct nl_sock *sk, NetworkTable table, Messages *messages) {
        static const struct ndmsg proxies = { .ndm_flags = NTF_PROXY };
        static const union {
                unsigned char family; /* each begins with it */
                struct ifinfomsg link;
                struct tcmsg qdisc;
        } all = {}, of_bridges = { .family = AF_BRIDGE };
        static const uint16_t types[] = {
                [NETWORK_LINKS] = RTM_GETLINK,
                [NETWORK_ADDRESSES] = RTM_GETADDR,
                [NETWORK_NEXTHOPS] = RTM_GETNEXTHOP,
                [NETWORK_ROUTES] = RTM_GETROUTE,
                [NETWORK_NEIGHBOURS] = RTM_GETNEIGH,
                [NETWORK_VLANS] = RTM_GETLINK,
                [NETWORK_MDB] = RTM_GETMDB,
                [NETWORK_RULES] = RTM_GETRULE,
                [NETWORK_QDISCS] = RTM_GETQDISC,
        };
        int r;

        if (table == NETWORK_FDB)
                return dump_part(sk, table, messages, RTM_GETNEIGH, &of_bridges, sizeof(of_bridges.link));
        if (table == NETWORK_VLANS || table == NETWORK_MDB)
                return dump_part(sk, table, messages, types[table], &of_bridges, message_body_size(table));
        if (table == NETWORK_FILTERS)
                return 0;
        r = dump_part(sk, table, messages, types[table], &all, message_body_size(table));
        if (r < 0 || table != NETWORK_NEIGHBOURS)
                return r;
        return dump_part(sk, table, messages, RTM_GETNEIGH, &proxies, sizeof(proxies));
}

static int dump_filter(struct nl_sock *sk, unsigned index, uint32_t parent, Messages *messages) {
        const struct tcmsg body = { .tcm_ifindex = (int) index, .tcm_parent = parent };
        _cleanup_(messages_clear) Messages all = {};
        const struct nlmsghdr *first;
        int r;

        r = dump_part(sk, NETWORK_FILTERS, &all, RTM_GETTFILTER, &body, sizeof(body));
        if (r < 0) /* a qdisc without classes has none, and says so in several ways */
                return r == -ENOMEM || r == -E2BIG || r == -ETIMEDOUT ? r : 0;
        first = messages_next(&all, NULL);
        return first ? messages_append(messages, first) : 0;
}

int netlink_dump_filters(struct nl_sock *sk, const Messages *qdiscs, Messages *messages) {
        Message qdisc;
        int r = 0;

        for (const struct nlmsghdr *m = NULL; r >= 0 && (m = messages_next(qdiscs, m));) {
                const struct tcmsg *body = NLMSG_DATA(m);

                if (message_parse(m, NETWORK_QDISCS, &qdisc) < 0 || qdisc_is_default(&qdisc))
                        continue;
                if (body->tcm_parent != TC_H_CLSACT) {
                        r = dump_filter(sk, (unsigned) body->tcm_ifindex, body->tcm_handle, messages);
                        continue;
                }
                r = dump_filter(sk, (unsigned) body->tcm_ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS), messages);
                if (r >= 0)
                        r = dump_filter(sk, (unsigned) body->tcm_ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS),
                                        messages);
        }
        return r;
}
