/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Multicast groups that were given to ports of bridges for ever. Those that were heard of are heard of again. */

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_ether.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <string.h>

#include "host/network-internal.h"

/* MDBE_ATTR_SRC_LIST and so on, which have no definition before Linux 6.3. */
#define SET_SRC_LIST 2
#define SET_GROUP_MODE 3
#define SET_RTPROT 4
#define SET_SRC_LIST_ENTRY 1
#define SET_SRC_ADDRESS 1

/* One entry of many in a message. */
typedef struct Group {
        unsigned bridge;
        struct br_mdb_entry entry;
        struct nlattr *attributes[MDBA_MDB_EATTR_MAX + 1];
} Group;

typedef int (*GroupFunc)(Restore *r, const Group *group, void *userdata);

/* It has the entry itself, and behind it attributes of the entry's. */
static bool group_parse(unsigned bridge, struct nlattr *info, Group *ret) {
        size_t head = NLA_ALIGN(sizeof(ret->entry));

        *ret = (Group) { .bridge = bridge };
        if (nla_type(info) != MDBA_MDB_ENTRY_INFO || nla_len(info) < (int) sizeof(ret->entry))
                return false;
        memcpy(&ret->entry, nla_data(info), sizeof(ret->entry));
        if ((size_t) nla_len(info) > head &&
                        nla_parse(ret->attributes, MDBA_MDB_EATTR_MAX,
                                        (struct nlattr *) ((char *) nla_data(info) + head),
                                        nla_len(info) - (int) head, NULL) < 0)
                return false;
        return ret->entry.state == MDB_PERMANENT;
}

static int for_each_group(Restore *r, const Messages *messages, GroupFunc func, void *userdata) {
        struct nlattr *entry, *info;
        int left, inner_left, k = 0;
        Message mdb;
        Group group;

        for (const struct nlmsghdr *m = NULL; (m = messages_next(messages, m));) {
                if (message_parse(m, NETWORK_MDB, &mdb) < 0 || !mdb.attributes[MDBA_MDB])
                        continue;
                nla_for_each_nested(entry, mdb.attributes[MDBA_MDB], left)
                        nla_for_each_nested(info, entry, inner_left) {
                                if (group_parse(((const struct br_port_msg *) mdb.body)->ifindex, info, &group))
                                        k = func(r, &group, userdata);
                                if (k < 0)
                                        return k;
                        }
        }
        return 0;
}

static void group_key(const Group *group, unsigned port, KeySet *keys) {
        key_begin(keys);
        key_put(keys, &port, sizeof(port));
        key_put(keys, &group->entry.vid, sizeof(group->entry.vid));
        key_put(keys, &group->entry.addr.proto, sizeof(group->entry.addr.proto));
        key_put(keys, &group->entry.addr.u, sizeof(group->entry.addr.u));
        key_put_attribute(keys, group->attributes[MDBA_MDB_EATTR_SOURCE]);
}

static int add_key(Restore *r, const Group *group, void *userdata) {
        group_key(group, group->entry.ifindex, userdata);
        return 0;
}

/* A list of [MDBA_MDB_SRCLIST_ENTRY [MDBA_MDB_SRCATTR_ADDRESS, a timer]] is asked for in other words. */
static int put_sources(struct nl_msg *m, struct nlattr *sources) {
        struct nlattr *list = nla_nest_start(m, SET_SRC_LIST | NLA_F_NESTED), *source, *nest, *address;
        int left;

        if (!list)
                return -ENOMEM;
        nla_for_each_nested(source, sources, left) {
                address = nla_find(nla_data(source), nla_len(source), MDBA_MDB_SRCATTR_ADDRESS);
                if (!address)
                        continue;
                nest = nla_nest_start(m, SET_SRC_LIST_ENTRY | NLA_F_NESTED);
                if (!nest || nla_put(m, SET_SRC_ADDRESS, nla_len(address), nla_data(address)) < 0)
                        return -ENOMEM;
                (void) nla_nest_end(m, nest);
        }
        (void) nla_nest_end(m, list);
        return 0;
}

static int put_attributes(struct nl_msg *m, const Group *group) {
        struct nlattr *source = group->attributes[MDBA_MDB_EATTR_SOURCE];
        struct nlattr *sources = group->attributes[MDBA_MDB_EATTR_SRC_LIST];
        struct nlattr *mode = group->attributes[MDBA_MDB_EATTR_GROUP_MODE];
        struct nlattr *protocol = group->attributes[MDBA_MDB_EATTR_RTPROT];
        struct nlattr *nest;
        int k = 0;

        if (!source && !sources && !mode && !protocol)
                return 0;
        nest = nla_nest_start(m, MDBA_SET_ENTRY_ATTRS | NLA_F_NESTED);
        if (!nest)
                return -ENOMEM;
        if (source)
                k = nla_put(m, MDBE_ATTR_SOURCE, nla_len(source), nla_data(source));
        if (k >= 0 && sources)
                k = put_sources(m, sources);
        /* Only for all sources of a group. */
        if (k >= 0 && mode && !source)
                k = nla_put(m, SET_GROUP_MODE, nla_len(mode), nla_data(mode));
        if (k >= 0 && protocol)
                k = nla_put(m, SET_RTPROT, nla_len(protocol), nla_data(protocol));
        (void) nla_nest_end(m, nest);
        return k < 0 ? -ENOMEM : 0;
}

typedef struct Missing {
        KeySet keys;
        Messages requests;
} Missing;

static int add_missing(Restore *r, const Group *group, void *userdata) {
        struct br_port_msg body = { .family = AF_BRIDGE, .ifindex = restore_index(r, group->bridge) };
        struct br_mdb_entry entry = group->entry;
        _cleanup_(nl_msg_freep) struct nl_msg *m = NULL;
        Missing *missing = userdata;
        size_t size = 256;
        int k;

        if (!restore_concerns(r, group->bridge) || !restore_concerns(r, entry.ifindex))
                return 0;
        entry.ifindex = restore_index(r, entry.ifindex);
        entry.flags = 0;
        group_key(group, entry.ifindex, &missing->keys);
        k = key_set_has_last(&missing->keys);
        if (k != 0)
                return k < 0 ? k : 0;
        if (group->attributes[MDBA_MDB_EATTR_SRC_LIST])
                size += (size_t) nla_len(group->attributes[MDBA_MDB_EATTR_SRC_LIST]) * 2;
        m = request_new(RTM_NEWMDB, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body), size + sizeof(entry));
        if (!m || nla_put(m, MDBA_SET_ENTRY, sizeof(entry), &entry) < 0 || put_attributes(m, group) < 0)
                return -ENOMEM;
        return messages_append(&missing->requests, nlmsg_hdr(m));
}

static void describe(const Restore *r, const struct nlmsghdr *request, char *ret, size_t size) {
        struct nlattr *attribute =
                        nlmsg_find_attr((struct nlmsghdr *) request, sizeof(struct br_port_msg), MDBA_SET_ENTRY);
        char text[INET6_ADDRSTRLEN] = "of a link address";
        struct br_mdb_entry entry;

        if (!attribute || nla_len(attribute) < (int) sizeof(entry))
                return;
        memcpy(&entry, nla_data(attribute), sizeof(entry));
        if (entry.addr.proto == htons(ETH_P_IP))
                (void) inet_ntop(AF_INET, &entry.addr.u.ip4, text, sizeof(text));
        else if (entry.addr.proto == htons(ETH_P_IPV6))
                (void) inet_ntop(AF_INET6, &entry.addr.u.ip6, text, sizeof(text));
        (void) snprintf(ret, size, "the multicast group %s at %s", text, restore_name(r, entry.ifindex));
}

int restore_mdb(Restore *r) {
        _cleanup_(messages_clear) Messages now = {};
        Missing missing = {};
        int k;

        if (r->captured->tables[NETWORK_MDB].size == 0)
                return 0;
        k = netlink_dump(r->sk, NETWORK_MDB, &now);
        if (k >= 0)
                k = for_each_group(r, &now, add_key, &missing.keys);
        if (k >= 0)
                k = for_each_group(r, &r->captured->tables[NETWORK_MDB], add_missing, &missing);
        if (k >= 0)
                k = restore_send(r, &missing.requests, describe);
        key_set_clear(&missing.keys);
        messages_clear(&missing.requests);
        return k;
}
