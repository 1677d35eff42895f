/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The network as text, a line for each link, address, route and so on, in which names stand for indexes, and what the
 * clock changes is left out. */

#include <linux/fib_rules.h>
#include <linux/if_bridge.h>

#include "network-fixture.h"

#define LOWER_UP (1 << 16) /* IFF_LOWER_UP of linux/if.h, which does not go with net/if.h */

typedef struct Lines {
        char **items;
        size_t n;
} Lines;

static inline void line_put(FILE *f, const char *name, const void *data, size_t size) {
        fprintf(f, " %s=", name);
        for (size_t i = 0; i < size; i++)
                fprintf(f, "%02x", ((const unsigned char *) data)[i]);
}

static inline void line_put_attribute(FILE *f, const struct nlattr *a) {
        char name[16];

        (void) snprintf(name, sizeof(name), "%i", nla_type(a));
        line_put(f, name, nla_data(a), (size_t) nla_len(a));
}

static inline const char *name_of(unsigned index, char buffer[static IFNAMSIZ]) {
        if (index == 0 || !if_indextoname(index, buffer))
                (void) snprintf(buffer, IFNAMSIZ, "#%u", index);
        return buffer;
}

static inline void line_of_link(FILE *f, const Message *m) {
        static const int types[] = {
                IFLA_ADDRESS, IFLA_MTU, IFLA_TXQLEN, IFLA_GROUP, IFLA_IFALIAS, IFLA_PROP_LIST,
        };
        const struct ifinfomsg *body = m->body;
        char buffer[IFNAMSIZ];

        fprintf(f, "link %s flags=%x", nla_get_string(m->attributes[IFLA_IFNAME]), body->ifi_flags);
        fprintf(f, " master=%s", name_of(message_u32(m, IFLA_MASTER, 0), buffer));
        for (size_t i = 0; i < ELEMENTSOF(types); i++)
                if (m->attributes[types[i]])
                        line_put_attribute(f, m->attributes[types[i]]);
}

static inline void line_of_address(FILE *f, const Message *m) {
        const struct ifaddrmsg *body = m->body;
        struct ifa_cacheinfo info = {};
        struct nlattr *a;
        char buffer[IFNAMSIZ];
        int left;

        fprintf(f, "address %s %u/%u scope=%u flags=%x", name_of(body->ifa_index, buffer), body->ifa_family,
                        body->ifa_prefixlen, body->ifa_scope, message_u32(m, IFA_FLAGS, 0));
        nlmsg_for_each_attr(a, m->header, sizeof(*body), left) {
                if (nla_type(a) == IFA_CACHEINFO)
                        memcpy(&info, nla_data(a), sizeof(info));
                else
                        line_put_attribute(f, a);
        }
        fprintf(f, " %s %s", info.ifa_valid == UINT32_MAX ? "for-ever" : "limited",
                        info.ifa_prefered == UINT32_MAX ? "for-ever" : info.ifa_prefered ? "limited" : "deprecated");
}

static inline void line_of_nexthop(FILE *f, const Message *m) {
        const struct nhmsg *body = m->body;
        struct nlattr *a;
        char buffer[IFNAMSIZ];
        int left;

        fprintf(f, "nexthop %s", name_of(message_u32(m, NHA_OIF, 0), buffer));
        line_put(f, "body", body, sizeof(*body));
        nlmsg_for_each_attr(a, m->header, sizeof(*body), left)
                if (nla_type(a) != NHA_OIF)
                        line_put_attribute(f, a);
}

static inline void line_of_route(FILE *f, const Message *m) {
        const struct rtmsg *body = m->body;
        struct nlattr *a, *inner;
        char buffer[IFNAMSIZ];
        int left, size;

        fprintf(f, "route %s", name_of(message_u32(m, RTA_OIF, 0), buffer));
        line_put(f, "body", body, sizeof(*body));
        nlmsg_for_each_attr(a, m->header, sizeof(*body), left) {
                if (nla_type(a) == RTA_CACHEINFO || nla_type(a) == RTA_OIF)
                        continue;
                if (nla_type(a) != RTA_MULTIPATH) {
                        line_put_attribute(f, a);
                        continue;
                }
                for (const struct rtnexthop *leg = NULL; (leg = route_next_leg(a, leg));) {
                        fprintf(f, " through %s flags=%x hops=%u", name_of((unsigned) leg->rtnh_ifindex, buffer),
                                        leg->rtnh_flags, leg->rtnh_hops);
                        inner = route_leg_attributes(leg, &size);
                        line_put(f, "leg", inner, (size_t) size);
                }
        }
}

/* False: it does not count. */
static inline bool line_of_neighbour(FILE *f, const Message *m) {
        static const int types[] = { NDA_DST, NDA_LLADDR, NDA_VLAN, NDA_PROTOCOL, NDA_FLAGS_EXT };
        const struct ndmsg *body = m->body;
        char buffer[IFNAMSIZ];

        if (body->ndm_family == AF_BRIDGE ? !m->attributes[NDA_MASTER] || !(body->ndm_state & NUD_NOARP)
                                          : !(body->ndm_flags & NTF_PROXY) &&
                                            (!(body->ndm_state & ~(NUD_INCOMPLETE | NUD_FAILED)) ||
                                             (body->ndm_state & NUD_NOARP)))
                return false;
        fprintf(f, "neighbour %s family=%u flags=%x %s", name_of((unsigned) body->ndm_ifindex, buffer),
                        body->ndm_family, body->ndm_flags, body->ndm_state & NUD_PERMANENT ? "permanent" : "");
        for (size_t i = 0; i < ELEMENTSOF(types); i++)
                if (m->attributes[types[i]])
                        line_put_attribute(f, m->attributes[types[i]]);
        return true;
}

static inline void line_of_rule(FILE *f, const Message *m) {
        struct nlattr *a;
        int left;

        fprintf(f, "rule");
        line_put(f, "body", m->body, sizeof(struct fib_rule_hdr));
        nlmsg_for_each_attr(a, m->header, sizeof(struct fib_rule_hdr), left)
                line_put_attribute(f, a);
}

static inline void line_of_vlans(FILE *f, const Message *m) {
        char buffer[IFNAMSIZ];

        fprintf(f, "vlans %s", name_of((unsigned) ((const struct ifinfomsg *) m->body)->ifi_index, buffer));
        line_put_attribute(f, m->attributes[IFLA_AF_SPEC]);
}

/* Permanent ones. False: none. */
static inline bool line_of_mdb(FILE *f, const Message *m) {
        struct nlattr *list = m->attributes[MDBA_MDB], *entry, *info;
        int left, inner_left;
        bool any = false;
        char buffer[IFNAMSIZ];

        fprintf(f, "mdb %s", name_of(((const struct br_port_msg *) m->body)->ifindex, buffer));
        nla_for_each_nested(entry, list, left)
                nla_for_each_nested(info, entry, inner_left) {
                        struct br_mdb_entry group;

                        memcpy(&group, nla_data(info), sizeof(group));
                        if (group.state != MDB_PERMANENT)
                                continue;
                        any = true;
                        fprintf(f, " %s vid=%u proto=%x", name_of(group.ifindex, buffer), group.vid, group.addr.proto);
                        line_put(f, "group", &group.addr.u, sizeof(group.addr.u));
                }
        return any;
}

static inline bool line_of_qdisc(FILE *f, const Message *m) {
        const struct tcmsg *body = m->body;
        char buffer[IFNAMSIZ];

        if (body->tcm_handle == 0)
                return false;
        fprintf(f, "qdisc %s %s %x at %x", name_of((unsigned) body->tcm_ifindex, buffer),
                        nla_get_string(m->attributes[TCA_KIND]), body->tcm_handle, body->tcm_parent);
        if (m->attributes[TCA_OPTIONS])
                line_put_attribute(f, m->attributes[TCA_OPTIONS]);
        return true;
}

static inline void lines_add(Lines *lines, NetworkTable table, const Message *m) {
        bool counts = true;
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        switch (table) {
        case NETWORK_LINKS:
                line_of_link(f, m);
                break;
        case NETWORK_ADDRESSES:
                line_of_address(f, m);
                break;
        case NETWORK_NEXTHOPS:
                line_of_nexthop(f, m);
                break;
        case NETWORK_ROUTES:
                line_of_route(f, m);
                break;
        case NETWORK_RULES:
                line_of_rule(f, m);
                break;
        case NETWORK_VLANS:
                line_of_vlans(f, m);
                break;
        case NETWORK_MDB:
                counts = line_of_mdb(f, m);
                break;
        case NETWORK_QDISCS:
                counts = line_of_qdisc(f, m);
                break;
        case NETWORK_FILTERS:
                counts = false;
                break;
        default:
                counts = line_of_neighbour(f, m);
        }
        ck_assert_int_eq(fclose(f), 0);
        if (!counts) {
                free(text);
                return;
        }
        lines->items = reallocarray(lines->items, lines->n + 1, sizeof(char *));
        lines->items[lines->n++] = text;
}

static inline int lines_compare(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

static inline Lines snapshot(void) {
        _cleanup_(network_freep) Network *network = NULL;
        Lines lines = {};
        Message message;

        ck_assert_int_eq(network_capture(&network), 0);
        for (NetworkTable table = 0; table < _NETWORK_TABLE_MAX; table++)
                for (const struct nlmsghdr *m = NULL; (m = messages_next(&network->tables[table], m));) {
                        ck_assert_int_eq(message_parse(m, table, &message), 0);
                        lines_add(&lines, table, &message);
                }
        qsort(lines.items, lines.n, sizeof(char *), lines_compare);
        return lines;
}

static inline void lines_clear(Lines *lines) {
        for (size_t i = 0; i < lines->n; i++)
                free(lines->items[i]);
        free(lines->items);
        *lines = (Lines) {};
}

/* "address NAME ..." */
static inline bool lines_is_of(const char *line, const char *name) {
        const char *space = strchr(line, ' ');
        size_t length = strlen(name);

        return space && strncmp(space + 1, name, length) == 0 && space[1 + length] == ' ';
}

static inline bool lines_have(const Lines *lines, const char *line) {
        for (size_t i = 0; i < lines->n; i++)
                if (strcmp(lines->items[i], line) == 0)
                        return true;
        return false;
}

/* `name` NULL: of all interfaces; `what` NULL: without showing them. */
static inline size_t count_missing(const Lines *of, const Lines *in, const char *name, const char *what) {
        size_t n = 0;

        for (size_t i = 0; i < of->n; i++) {
                if (lines_have(in, of->items[i]) || (name && !lines_is_of(of->items[i], name)))
                        continue;
                if (what)
                        printf("# %s: %s\n", what, of->items[i]);
                n++;
        }
        fflush(stdout);
        return n;
}

static inline size_t compare(const Lines *before, const char *name, bool is_shown) {
        Lines now = snapshot();
        size_t n = count_missing(before, &now, name, is_shown ? "lost" : NULL);

        if (!name)
                n += count_missing(&now, before, NULL, is_shown ? "new" : NULL);
        lines_clear(&now);
        return n;
}

static inline void rest(void) {
        nanosleep(&(struct timespec) { .tv_nsec = 50000000 }, NULL);
}

/* The network is as it was, line for line; or what was of one interface (or nexthop) is there. The kernel takes a
 * moment: carriers are watched, and routes of IPv6 addresses made, on work queues. */
static inline void check_same_of(const Lines *before, const char *name) {
        for (unsigned i = 0; i < 100 && compare(before, name, false) > 0; i++)
                rest();
        ck_assert_uint_eq(compare(before, name, true), 0);
}

static inline void check_same(const Lines *before) {
        check_same_of(before, NULL);
}

static inline unsigned long flags_of(const char *line, const char *kind) {
        const char *flags = strstr(line, " flags=");

        return flags && strncmp(line, kind, strlen(kind)) == 0 ? strtoul(flags + strlen(" flags="), NULL, 16) : 0;
}

static inline bool is_tentative(const char *line) {
        return flags_of(line, "address ") & IFA_F_TENTATIVE;
}

/* It has its carrier and is not said to be running yet: up to a second (net/core/link_watch.c). */
static inline bool is_starting(const char *line) {
        return (flags_of(line, "link ") & (IFF_UP | LOWER_UP | IFF_RUNNING)) == (IFF_UP | LOWER_UP);
}

/* Once nothing changes by itself any more. */
static inline Lines snapshot_settled(void) {
        for (unsigned i = 0; i < 100; i++) {
                Lines lines = snapshot();
                bool is_settled = true;

                for (size_t j = 0; is_settled && j < lines.n; j++)
                        is_settled = !is_tentative(lines.items[j]) && !is_starting(lines.items[j]);
                rest();
                rest();
                if (is_settled && compare(&lines, NULL, false) == 0)
                        return lines;
                lines_clear(&lines);
        }
        ck_abort_msg("the network does not settle");
}

/* How many lines are no more. */
static inline size_t count_lost(const Lines *before) {
        Lines now = snapshot();
        size_t n = count_missing(before, &now, NULL, NULL);

        lines_clear(&now);
        return n;
}

static inline Network *capture(void) {
        Network *network;

        ck_assert_int_eq(network_capture(&network), 0);
        return network;
}
