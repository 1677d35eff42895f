/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Messages of rtnetlink, kept as the kernel wrote them. What is read from them is checked each time, since they can
 * come from another process's memory as well (network-json.c). */

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/nexthop.h>
#include <netlink/attr.h>
#include <string.h>

#include "host/network-internal.h"

static const struct nla_policy link_policy[IFLA_MAX + 1] = {
        [IFLA_IFNAME] = { .type = NLA_STRING, .maxlen = IFNAMSIZ },
        [IFLA_MTU] = { .type = NLA_U32 },
        [IFLA_LINK] = { .type = NLA_U32 },
        [IFLA_MASTER] = { .type = NLA_U32 },
        [IFLA_TXQLEN] = { .type = NLA_U32 },
        [IFLA_GROUP] = { .type = NLA_U32 },
        [IFLA_IFALIAS] = { .type = NLA_STRING },
        [IFLA_LINKINFO] = { .type = NLA_NESTED },
        [IFLA_PROP_LIST] = { .type = NLA_NESTED },
        [IFLA_PARENT_DEV_NAME] = { .type = NLA_STRING },
        [IFLA_PARENT_DEV_BUS_NAME] = { .type = NLA_STRING },
};
static const struct nla_policy address_policy[IFA_MAX + 1] = {
        [IFA_FLAGS] = { .type = NLA_U32 },
        [IFA_CACHEINFO] = { .minlen = sizeof(struct ifa_cacheinfo) },
};
static const struct nla_policy nexthop_policy[NHA_MAX + 1] = {
        [NHA_ID] = { .type = NLA_U32 },
        [NHA_OIF] = { .type = NLA_U32 },
        [NHA_RES_GROUP] = { .type = NLA_NESTED },
};
static const struct nla_policy route_policy[RTA_MAX + 1] = {
        [RTA_OIF] = { .type = NLA_U32 },
        [RTA_TABLE] = { .type = NLA_U32 },
        [RTA_NH_ID] = { .type = NLA_U32 },
        [RTA_CACHEINFO] = { .minlen = sizeof(struct rta_cacheinfo) },
};
static const struct nla_policy neighbour_policy[NDA_MAX + 1] = {
        [NDA_MASTER] = { .type = NLA_U32 },
        [NDA_FLAGS_EXT] = { .type = NLA_U32 },
};

/* Of AF_BRIDGE. */
static const struct nla_policy vlan_policy[IFLA_MAX + 1] = {
        [IFLA_IFNAME] = { .type = NLA_STRING, .maxlen = IFNAMSIZ },
        [IFLA_MASTER] = { .type = NLA_U32 },
        [IFLA_AF_SPEC] = { .type = NLA_NESTED },
};
static const struct nla_policy mdb_policy[MDBA_MAX + 1] = {
        [MDBA_MDB] = { .type = NLA_NESTED },
};
static const struct nla_policy rule_policy[FRA_MAX + 1] = {
        [FRA_PRIORITY] = { .type = NLA_U32 },
        [FRA_TABLE] = { .type = NLA_U32 },
        [FRA_IIFNAME] = { .type = NLA_STRING, .maxlen = IFNAMSIZ },
        [FRA_OIFNAME] = { .type = NLA_STRING, .maxlen = IFNAMSIZ },
};
static const struct nla_policy qdisc_policy[TCA_MAX + 1] = {
        [TCA_KIND] = { .type = NLA_STRING, .maxlen = IFNAMSIZ },
};

static const struct {
        uint16_t type, other_type; /* net/bridge/br_mdb.c, br_mdb_dump() answers with the request's own */
        size_t body_size;
        const struct nla_policy *policy;
        int attributes_max;
} tables[] = {
        [NETWORK_LINKS] = { RTM_NEWLINK, 0, sizeof(struct ifinfomsg), link_policy, IFLA_MAX },
        [NETWORK_ADDRESSES] = { RTM_NEWADDR, 0, sizeof(struct ifaddrmsg), address_policy, IFA_MAX },
        [NETWORK_NEXTHOPS] = { RTM_NEWNEXTHOP, 0, sizeof(struct nhmsg), nexthop_policy, NHA_MAX },
        [NETWORK_ROUTES] = { RTM_NEWROUTE, 0, sizeof(struct rtmsg), route_policy, RTA_MAX },
        [NETWORK_NEIGHBOURS] = { RTM_NEWNEIGH, 0, sizeof(struct ndmsg), neighbour_policy, NDA_MAX },
        [NETWORK_FDB] = { RTM_NEWNEIGH, 0, sizeof(struct ndmsg), neighbour_policy, NDA_MAX },
        [NETWORK_VLANS] = { RTM_NEWLINK, 0, sizeof(struct ifinfomsg), vlan_policy, IFLA_MAX },
        [NETWORK_MDB] = { RTM_NEWMDB, RTM_GETMDB, sizeof(struct br_port_msg), mdb_policy, MDBA_MAX },
        [NETWORK_RULES] = { RTM_NEWRULE, 0, sizeof(struct fib_rule_hdr), rule_policy, FRA_MAX },
        [NETWORK_QDISCS] = { RTM_NEWQDISC, 0, sizeof(struct tcmsg), qdisc_policy, TCA_MAX },
        [NETWORK_FILTERS] = { RTM_NEWTFILTER, 0, sizeof(struct tcmsg), qdisc_policy, TCA_MAX },
};
_Static_assert(ELEMENTSOF(tables) == _NETWORK_TABLE_MAX, "one for each");
_Static_assert(IFLA_MAX <= MESSAGE_ATTRIBUTES_MAX, "all attributes have room");

void messages_clear(Messages *messages) {
        free(messages->data);
        *messages = (Messages) {};
}

int messages_append(Messages *messages, const struct nlmsghdr *message) {
        size_t size = NLMSG_ALIGN((size_t) message->nlmsg_len);

        if (size > NETWORK_BYTES_MAX - messages->size)
                return -E2BIG;
        if (messages->allocated - messages->size < size) {
                size_t allocated = messages->allocated * 2 + size + 4096;
                unsigned char *grown = realloc(messages->data, allocated);

                if (!grown)
                        return -ENOMEM;
                messages->data = grown;
                messages->allocated = allocated;
        }
        memset(messages->data + messages->size, 0, size);
        memcpy(messages->data + messages->size, message, message->nlmsg_len);
        messages->size += size;
        return 0;
}

const struct nlmsghdr *messages_next(const Messages *messages, const struct nlmsghdr *message) {
        size_t offset = 0;

        if (message)
                offset = (size_t) ((const unsigned char *) message - messages->data) +
                                NLMSG_ALIGN((size_t) message->nlmsg_len);
        if (offset >= messages->size)
                return NULL;
        message = (const struct nlmsghdr *) (messages->data + offset);
        return nlmsg_ok(message, (int) (messages->size - offset)) ? message : NULL;
}

size_t messages_count(const Messages *messages) {
        size_t n = 0;

        for (const struct nlmsghdr *m = NULL; (m = messages_next(messages, m));)
                n++;
        return n;
}

bool messages_are_of(const Messages *messages, NetworkTable table) {
        size_t size = 0;
        Message message;

        for (const struct nlmsghdr *m = NULL; (m = messages_next(messages, m));) {
                if (message_parse(m, table, &message) < 0)
                        return false;
                size += NLMSG_ALIGN((size_t) m->nlmsg_len);
        }
        return size == messages->size;
}

size_t message_body_size(NetworkTable table) {
        return tables[table].body_size;
}

int message_parse(const struct nlmsghdr *header, NetworkTable table, Message *ret) {
        int body_size = (int) tables[table].body_size;

        if (header->nlmsg_type != tables[table].type &&
                        (tables[table].other_type == 0 || header->nlmsg_type != tables[table].other_type))
                return -EBADMSG;
        ret->header = header;
        ret->body = NLMSG_DATA(header);
        memset(ret->attributes, 0, sizeof(ret->attributes));
        /* It does not write to the message. */
        if (nlmsg_parse((struct nlmsghdr *) header, body_size, ret->attributes, tables[table].attributes_max,
                            tables[table].policy) < 0)
                return -EBADMSG;
        return 0;
}

uint32_t message_u32(const Message *message, int type, uint32_t otherwise) {
        const struct nlattr *attribute = message->attributes[type];

        return attribute && nla_len(attribute) >= (int) sizeof(uint32_t) ? nla_get_u32(attribute) : otherwise;
}

const struct rtnexthop *route_next_leg(const struct nlattr *multipath, const struct rtnexthop *leg) {
        const unsigned char *data = nla_data(multipath), *end = data + nla_len(multipath);
        const unsigned char *next = leg ? (const unsigned char *) leg + RTNH_ALIGN(leg->rtnh_len) : data;

        if (next >= end || (size_t) (end - next) < sizeof(*leg))
                return NULL;
        leg = (const struct rtnexthop *) next;
        if (leg->rtnh_len < sizeof(*leg) || leg->rtnh_len > (size_t) (end - next))
                return NULL;
        return leg;
}

struct nl_msg *request_new(uint16_t type, uint16_t flags, const void *body, size_t body_size, size_t size) {
        struct nl_msg *m = nlmsg_alloc_size(NLMSG_LENGTH(NLMSG_ALIGN(body_size)) + size);

        if (!m)
                return NULL;
        if (!nlmsg_put(m, 0, 0, type, 0, NLM_F_REQUEST | NLM_F_ACK | flags) ||
                        nlmsg_append(m, (void *) body, body_size, NLMSG_ALIGNTO) < 0) {
                nlmsg_free(m);
                return NULL;
        }
        return m;
}
