/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What belongs to one interface, and is kept with it, unless the kernel makes it by itself. */

#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/neighbour.h>
#include <netlink/attr.h>
#include <string.h>

#include "basic/json.h"
#include "host/network-select.h"

/* The loopback interface stays, for what refers to it. */
bool selection_keeps_link(Selection *s, const Message *link) {
        const struct ifinfomsg *body = link->body;

        return (body->ifi_flags & IFF_LOOPBACK) || selection_has(s, (unsigned) body->ifi_index);
}

bool selection_keeps_vlans(Selection *s, const Message *vlans) {
        return selection_has(s, (unsigned) ((const struct ifinfomsg *) vlans->body)->ifi_index);
}

bool selection_keeps_address(Selection *s, const Message *address) {
        return selection_has(s, ((const struct ifaddrmsg *) address->body)->ifa_index) &&
                        !(message_u32(address, IFA_FLAGS, 0) & IFA_F_DADFAILED);
}

/* neighbours */

static bool is_multicast(const struct ndmsg *body, const struct nlattr *address) {
        const unsigned char *bytes = nla_data(address);

        return nla_len(address) > 0 && (body->ndm_family == AF_INET6 ? bytes[0] == 0xff : bytes[0] >= 224);
}

bool selection_keeps_neighbour(Selection *s, const Message *neighbour) {
        const struct nlattr *address = neighbour->attributes[NDA_DST];
        const struct ndmsg *body = neighbour->body;

        if (!address || !selection_has(s, (unsigned) body->ndm_ifindex))
                return false;
        if (body->ndm_flags & NTF_PROXY)
                return true;
        if (body->ndm_state & NUD_NOARP)
                return !is_multicast(body, address);
        return body->ndm_state & (NUD_PERMANENT | NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE);
}

/* FDB */

static bool is_address_of(const Link *link, const struct nlattr *address) {
        const struct nlattr *own = link ? link->message.attributes[IFLA_ADDRESS] : NULL;

        return own && nla_len(own) == nla_len(address) &&
                        memcmp(nla_data(own), nla_data(address), (size_t) nla_len(own)) == 0;
}

static bool is_of_kind(const Link *link, const char *kind) {
        return link->kind && strcmp(link->kind, kind) == 0;
}

/* A bridge makes an entry of each port's address, and of its own; and what a device listens to of multicast, the
 * protocols tell it. */
bool selection_keeps_fdb_entry(Selection *s, const Message *entry) {
        const struct nlattr *address = entry->attributes[NDA_LLADDR];
        const struct ndmsg *body = entry->body;
        const Link *link = links_find(&s->links, (unsigned) body->ndm_ifindex);

        if (!link || !selection_has(s, link->index))
                return false;
        if (!address || nla_len(address) < 1) /* by a nexthop, of a vxlan */
                return is_of_kind(link, "vxlan");
        if (is_of_kind(link, "vxlan") && (body->ndm_flags & NTF_SELF))
                return true;
        if (is_address_of(link, address) || is_address_of(links_find(&s->links, link->master), address))
                return false;
        return !(body->ndm_flags & NTF_SELF) || !(*(const unsigned char *) nla_data(address) & 1);
}

/* MDB */

static bool is_permanent(const struct nlattr *info) {
        static const struct br_mdb_entry none;
        struct br_mdb_entry entry;

        if (nla_type(info) != MDBA_MDB_ENTRY_INFO || nla_len(info) < (int) sizeof(entry))
                return false;
        memcpy(&entry, nla_data(info), sizeof(entry));
        return entry.state == MDB_PERMANENT && memcmp(&entry.addr.u, &none.addr.u, sizeof(entry.addr.u)) != 0;
}

static bool has_permanent(const Message *mdb) {
        struct nlattr *entry, *info;
        int left, inner_left;

        nla_for_each_nested(entry, mdb->attributes[MDBA_MDB], left)
                nla_for_each_nested(info, entry, inner_left)
                        if (is_permanent(info))
                                return true;
        return false;
}

bool selection_keeps_mdb(Selection *s, const Message *mdb) {
        unsigned index = ((const struct br_port_msg *) mdb->body)->ifindex;
        const Link *link = links_find(&s->links, index);

        if (!link || !selection_has(s, index) || !mdb->attributes[MDBA_MDB] || !has_permanent(mdb))
                return false;
        if (is_of_kind(link, "vxlan")) {
                (void) json_append_text(s->omitted, "Multicast groups of the vxlan interface %s are not carried to the "
                                "next kernel. Add them there again (bridge mdb add).", link->name);
                return false;
        }
        return true;
}

/* qdiscs */

static void handle_key(unsigned index, uint32_t handle, KeySet *keys) {
        uint32_t key[] = { index, TC_H_MAJ(handle) };

        key_begin(keys);
        key_put(keys, key, sizeof(key));
}

static bool is_at_root(uint32_t parent) {
        return parent == TC_H_ROOT || parent == TC_H_CLSACT; /* TC_H_INGRESS is the same */
}

/* In a class of one that is not carried, it cannot be either; that one is told. */
static bool is_in_place(Selection *s, const struct tcmsg *body) {
        if (is_at_root(body->tcm_parent))
                return true;
        handle_key((unsigned) body->tcm_ifindex, body->tcm_parent, &s->kept_qdiscs);
        return key_set_has_last(&s->kept_qdiscs) > 0;
}

bool selection_keeps_qdisc(Selection *s, const Message *qdisc) {
        const struct tcmsg *body = qdisc->body;
        const struct nlattr *kind = qdisc->attributes[TCA_KIND];

        if (!kind || qdisc_is_default(qdisc) || !selection_has(s, (unsigned) body->tcm_ifindex) ||
                        !is_in_place(s, body))
                return false;
        if (!qdisc_kind_is_simple(nla_get_string(kind)) || qdisc->attributes[TCA_STAB]) {
                (void) json_append_text(s->omitted, "The qdisc %s of %s is not carried to the next kernel%s. What made "
                                "it has to make it again there.", nla_get_string(kind),
                                selection_name(s, (unsigned) body->tcm_ifindex),
                                qdisc->attributes[TCA_STAB] ? ": its size table cannot be read" : "");
                return false;
        }
        handle_key((unsigned) body->tcm_ifindex, body->tcm_handle, &s->kept_qdiscs);
        return true;
}

int selection_tell_filters(Selection *s) {
        unsigned last = 0;
        int r = 0;

        for (const struct nlmsghdr *m = NULL; r >= 0 && (m = messages_next(&s->network->tables[NETWORK_FILTERS], m));) {
                const struct tcmsg *body = NLMSG_DATA(m);
                unsigned index = (unsigned) body->tcm_ifindex;

                if (index != last && selection_has(s, index))
                        r = json_append_text(s->omitted, "Filters of %s are not carried to the next kernel. What made "
                                        "them has to make them again there (tc filter show dev %s).",
                                        selection_name(s, index), selection_name(s, index));
                last = index;
        }
        return r;
}
