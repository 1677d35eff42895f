/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Neighbours, whom an interface forgets when it goes down, permanent ones, too (net/core/neighbour.c, neigh_ifdown());
 * and static FDB entries: of bridge ports, which go with the port, and of interfaces themselves, which stay. */

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
                case NDA_PORT: /* these of a vxlan */
                case NDA_VNI:
                case NDA_SRC_VNI:
                case NDA_NH_ID:
                        if (nla_put(m, attribute->nla_type, nla_len(attribute), nla_data(attribute)) < 0)
                                return -ENOMEM;
                        break;
                case NDA_IFINDEX:
                        if (nla_put_u32(m, NDA_IFINDEX,
                                            restore_index(r, message_u32(neighbour, NDA_IFINDEX, 0))) < 0)
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

static int append_all(Messages *messages, const Messages *others) {
        int k = 0;

        for (const struct nlmsghdr *m = NULL; k >= 0 && (m = messages_next(others, m));)
                k = messages_append(messages, m);
        return k;
}

/* One of no VLAN comes last: the kernel makes it in all VLANs of the port, unless there is another in the first of them
 * (net/bridge/br_fdb.c, br_fdb_add()). */
static int restore_kind(Restore *r, const Kind *kind) {
        _cleanup_(messages_clear) Messages now = {}, requests = {}, last = {};
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
                        k = kind->request_of(r, &message, message.attributes[NDA_VLAN] ? &requests : &last);
        }
        if (k >= 0)
                k = append_all(&requests, &last);
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
                /* What services have learned meanwhile is newer. */
                if (then->pass == NETWORK_PASS_LATER && !is_proxy && !(body->ndm_state & (NUD_PERMANENT | NUD_NOARP)))
                        return false;
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

/* Of a bridge's port; else of the interface itself, as a bridge has one for its own addresses. */
static bool is_of_port(const Message *entry) {
        unsigned master = message_u32(entry, NDA_MASTER, 0);

        return master != 0 && master != (unsigned) body_of(entry)->ndm_ifindex &&
                        !(body_of(entry)->ndm_flags & NTF_SELF);
}

/* Not what is learned; and those of the interface itself only after a reboot. */
static bool fdb_key(const Restore *then, const Message *entry, KeySet *keys) {
        static const int types[] = { NDA_LLADDR, NDA_VLAN, NDA_DST, NDA_PORT, NDA_VNI, NDA_SRC_VNI, NDA_NH_ID };
        uint32_t numbers[] = {
                (uint32_t) body_of(entry)->ndm_ifindex, is_of_port(entry), message_u32(entry, NDA_IFINDEX, 0),
        };

        if (!(body_of(entry)->ndm_state & (NUD_PERMANENT | NUD_NOARP)) ||
                        (then && !is_of_port(entry) && !then->makes_links))
                return false;
        if (then) {
                numbers[0] = restore_index(then, numbers[0]);
                numbers[2] = restore_index(then, numbers[2]);
        }
        key_begin(keys);
        key_put(keys, numbers, sizeof(numbers));
        for (size_t i = 0; i < ELEMENTSOF(types); i++)
                key_put_attribute(keys, entry->attributes[types[i]]);
        return true;
}

/* Of a vxlan's remotes there can be several to a group, or to where it floods. */
static bool is_one_of_several(const Message *entry) {
        static const unsigned char none[6];
        const struct nlattr *address = entry->attributes[NDA_LLADDR];

        return entry->attributes[NDA_DST] && address && nla_len(address) >= (int) sizeof(none) &&
                        (memcmp(nla_data(address), none, sizeof(none)) == 0 ||
                                        (*(const unsigned char *) nla_data(address) & 1));
}

static int add_fdb_entry(const Restore *r, const Message *entry, Messages *requests) {
        uint16_t flags = NLM_F_CREATE | (is_one_of_several(entry) ? NLM_F_APPEND : NLM_F_EXCL);
        struct ndmsg body = *body_of(entry);
        uint8_t kept = NTF_EXT_LEARNED | NTF_STICKY;

        if (!is_of_port(entry))
                kept |= NTF_ROUTER;
        body.ndm_ifindex = (int) restore_index(r, (unsigned) body.ndm_ifindex);
        body.ndm_flags = (is_of_port(entry) ? NTF_MASTER : NTF_SELF) | (body.ndm_flags & kept);
        return neighbour_request(r, entry, flags, &body, requests);
}

static void describe_fdb_entry(const Restore *r, const struct nlmsghdr *request, char *ret, size_t size) {
        const struct nlattr *address;
        char text[3 * 6 + 1] = "";
        Message entry;

        if (message_parse(request, NETWORK_FDB, &entry) < 0)
                return;
        address = entry.attributes[NDA_LLADDR];
        for (int i = 0; address && i < 6 && i < nla_len(address); i++)
                (void) snprintf(text + i * 3, 4, "%02x:", ((const unsigned char *) nla_data(address))[i]);
        text[strlen(text) > 0 ? strlen(text) - 1 : 0] = 0;
        (void) snprintf(ret, size, "the forwarding entry %s of %s", text,
                        restore_name(r, (unsigned) body_of(&entry)->ndm_ifindex));
}

int restore_fdb(Restore *r) {
        static const Kind kind = { NETWORK_FDB, fdb_key, add_fdb_entry, describe_fdb_entry };

        return restore_kind(r, &kind);
}
