/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Neighbours, whom an interface forgets when it goes down, permanent ones, too (net/core/neighbour.c, neigh_ifdown());
 * and static FDB entries of bridge ports, which go with the port. */

#include <arpa/inet.h>
#include <errno.h>
#include <linux/neighbour.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <string.h>

#include "host/network-internal.h"

/* NTF_EXT_LOCKED, which has no definition before Linux 6.2: for the bridge to set. */
#define EXTENDED_LOCKED (1U << 1)
#define NUD_VALID_STATES (NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY)

static const struct ndmsg *body_of(const Message *neighbour) {
        return neighbour->body;
}

static int neighbour_request(const Restore *r, const Message *neighbour, uint16_t flags, const struct ndmsg *body,
                Messages *requests) {
        _cleanup_(nl_msg_freep) struct nl_msg *m =
                        request_new(RTM_NEWNEIGH, flags, body, sizeof(*body), neighbour->header->nlmsg_len + 64);
        struct nlattr *attribute;
        uint32_t extended = message_u32(neighbour, NDA_FLAGS_EXT, 0) & ~EXTENDED_LOCKED;
        int left;

        if (!m || (extended != 0 && nla_put_u32(m, NDA_FLAGS_EXT, extended) < 0))
                return -ENOMEM;
        nlmsg_for_each_attr(attribute, neighbour->header, sizeof(*body), left)
                switch (nla_type(attribute)) {
                case NDA_DST:
                case NDA_LLADDR:
                case NDA_VLAN:
                case NDA_PROTOCOL:
                case NDA_FDB_EXT_ATTRS:
                        if (nla_put(m, attribute->nla_type, nla_len(attribute), nla_data(attribute)) < 0)
                                return -ENOMEM;
                }
        return messages_append(requests, nlmsg_hdr(m));
}

/* The captured ones that `request_of` puts back, if `key_of` finds them missing. */
typedef struct Kind {
        NetworkTable table;
        /* Adds the keys of what is there; or, with `then`, the one that has to be. False: it does not count. */
        bool (*key_of)(const Restore *then, const Message *message, KeySet *keys);
        int (*request_of)(const Restore *r, const Message *message, Messages *requests);
        DescribeFunc describe;
} Kind;

static int restore_kind(Restore *r, const Kind *kind) {
        _cleanup_(messages_clear) Messages now = {}, requests = {};
        _cleanup_(key_set_clear) KeySet keys = {};
        Message message;
        int k;

        k = netlink_dump(r->sk, kind->table, &now);
        for (const struct nlmsghdr *m = NULL; k >= 0 && (m = messages_next(&now, m));)
                if (message_parse(m, kind->table, &message) >= 0)
                        (void) kind->key_of(NULL, &message, &keys);
        for (const struct nlmsghdr *m = NULL; k >= 0 && (m = messages_next(&r->captured->tables[kind->table], m));) {
                if (message_parse(m, kind->table, &message) < 0 ||
                                !restore_concerns(r, (unsigned) body_of(&message)->ndm_ifindex) ||
                                !kind->key_of(r, &message, &keys))
                        continue;
                k = key_set_has_last(&keys);
                if (k == 0)
                        k = kind->request_of(r, &message, &requests);
        }
        return k < 0 ? k : restore_send(r, &requests, kind->describe);
}

/* neighbours */

static void neighbour_key(const struct ndmsg *body, unsigned index, const struct nlattr *address, bool is_permanent,
                KeySet *keys) {
        uint8_t head[] = { body->ndm_family, body->ndm_flags & NTF_PROXY, is_permanent };

        key_begin(keys);
        key_put(keys, head, sizeof(head));
        key_put(keys, &index, sizeof(index));
        key_put_attribute(keys, address);
}

/* The kernel maps these to link addresses itself. */
static bool is_multicast(const struct ndmsg *body, const struct nlattr *address) {
        const unsigned char *bytes = nla_data(address);

        if (nla_len(address) < 4)
                return false;
        return body->ndm_family == AF_INET6 ? bytes[0] == 0xff : bytes[0] >= 224;
}

/* A learned one is there when any is, a permanent one only when that is permanent. */
static bool neighbour_keys(const Restore *then, const Message *neighbour, KeySet *keys) {
        const struct nlattr *address = neighbour->attributes[NDA_DST];
        const struct ndmsg *body = body_of(neighbour);
        bool is_proxy = body->ndm_flags & NTF_PROXY, is_permanent = !is_proxy && (body->ndm_state & NUD_PERMANENT);
        unsigned index = (unsigned) body->ndm_ifindex;

        if (!address || (!is_proxy && !(body->ndm_state & NUD_VALID_STATES)) ||
                        ((body->ndm_state & NUD_NOARP) && is_multicast(body, address)))
                return false;
        if (then) {
                neighbour_key(body, restore_index(then, index), address, is_permanent, keys);
                return true;
        }
        neighbour_key(body, index, address, false, keys);
        if (is_permanent)
                neighbour_key(body, index, address, true, keys);
        return true;
}

/* Who was reachable is taken to be so until there is something to send, and is asked then. */
static int add_neighbour(const Restore *r, const Message *neighbour, Messages *requests) {
        struct ndmsg body = *body_of(neighbour);

        body.ndm_ifindex = (int) restore_index(r, (unsigned) body.ndm_ifindex);
        body.ndm_flags &= NTF_PROXY | NTF_ROUTER | NTF_EXT_LEARNED;
        if (!(body.ndm_flags & NTF_PROXY) && !(body.ndm_state & (NUD_PERMANENT | NUD_NOARP)))
                body.ndm_state = NUD_STALE;
        return neighbour_request(r, neighbour, NLM_F_CREATE | NLM_F_REPLACE, &body, requests);
}

static void describe_neighbour(const Restore *r, const struct nlmsghdr *request, char *ret, size_t size) {
        char text[INET6_ADDRSTRLEN] = "?";
        const struct nlattr *address;
        Message neighbour;

        if (message_parse(request, NETWORK_NEIGHBOURS, &neighbour) < 0)
                return;
        address = neighbour.attributes[NDA_DST];
        if (address && nla_len(address) >= (body_of(&neighbour)->ndm_family == AF_INET6 ? 16 : 4))
                (void) inet_ntop(body_of(&neighbour)->ndm_family, nla_data(address), text, sizeof(text));
        (void) snprintf(ret, size, "the neighbour %s of %s", text,
                        restore_name(r, (unsigned) body_of(&neighbour)->ndm_ifindex));
}

int restore_neighbours(Restore *r) {
        static const Kind kind = { NETWORK_NEIGHBOURS, neighbour_keys, add_neighbour, describe_neighbour };

        return restore_kind(r, &kind);
}

/* FDB */

/* Of the bridge's entries, not of the interface's own, and not what is learned. */
static bool fdb_key(const Restore *then, const Message *entry, KeySet *keys) {
        unsigned index = (unsigned) body_of(entry)->ndm_ifindex, master = message_u32(entry, NDA_MASTER, 0);

        if (master == 0 || master == index || (body_of(entry)->ndm_flags & NTF_SELF) ||
                        !(body_of(entry)->ndm_state & (NUD_PERMANENT | NUD_NOARP)) || !entry->attributes[NDA_LLADDR])
                return false;
        if (then)
                index = restore_index(then, index);
        key_begin(keys);
        key_put(keys, &index, sizeof(index));
        key_put_attribute(keys, entry->attributes[NDA_LLADDR]);
        key_put_attribute(keys, entry->attributes[NDA_VLAN]);
        return true;
}

static int add_fdb_entry(const Restore *r, const Message *entry, Messages *requests) {
        struct ndmsg body = *body_of(entry);

        body.ndm_ifindex = (int) restore_index(r, (unsigned) body.ndm_ifindex);
        body.ndm_flags = NTF_MASTER | (body.ndm_flags & (NTF_EXT_LEARNED | NTF_STICKY));
        return neighbour_request(r, entry, NLM_F_CREATE | NLM_F_EXCL, &body, requests);
}

static void describe_fdb_entry(const Restore *r, const struct nlmsghdr *request, char *ret, size_t size) {
        Message entry;

        if (message_parse(request, NETWORK_FDB, &entry) >= 0)
                (void) snprintf(ret, size, "a forwarding entry of %s",
                                restore_name(r, (unsigned) body_of(&entry)->ndm_ifindex));
}

int restore_fdb(Restore *r) {
        static const Kind kind = { NETWORK_FDB, fdb_key, add_fdb_entry, describe_fdb_entry };

        return restore_kind(r, &kind);
}
