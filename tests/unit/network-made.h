/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Links of all kinds, made by the test, and all that they are set to as text, with names for indexes and without what
 * is the kernel's own state. The list of that is the test's own. */

#include <linux/if_bridge.h>
#include <linux/if_tun.h>
#include <linux/if_vlan.h>
#include <sys/ioctl.h>

#include "host/network-links.h"
#include "network-snapshot.h"

/* making */

typedef struct Making {
        struct nl_msg *m;
        struct nlattr *info, *data;
} Making;

/* `lower` NULL: it sits on nothing. Options follow, then making_end(). `is_change`: of one that is there. */
static inline Making making_begin(const char *kind, const char *name, const char *lower, bool is_change) {
        struct ifinfomsg body = { .ifi_index = is_change ? (int) index_of(name) : 0 };
        Making making = { .m = request_new(RTM_NEWLINK, is_change ? 0 : NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body),
                                  8192) };

        if (!is_change)
                must(nla_put_string(making.m, IFLA_IFNAME, name));
        if (lower)
                must(nla_put_u32(making.m, IFLA_LINK, index_of(lower)));
        making.info = nla_nest_start(making.m, IFLA_LINKINFO);
        must(nla_put_string(making.m, IFLA_INFO_KIND, kind));
        making.data = nla_nest_start(making.m, IFLA_INFO_DATA);
        return making;
}

static inline int making_end(const Making *making) {
        (void) nla_nest_end(making->m, making->data);
        (void) nla_nest_end(making->m, making->info);
        return ask(making->m);
}

/* A number of `size` bytes. */
typedef struct Given {
        int type;
        size_t size;
        uint64_t value;
} Given;

#define U8(type, value) { type, 1, value }
#define U16(type, value) { type, 2, value }
#define U32(type, value) { type, 4, value }
#define U64(type, value) { type, 8, value }
#define NOTHING { 0, 0, 0 }

static inline void making_put(const Making *making, const Given *given) {
        for (; given && given->type != 0; given++)
                must(nla_put(making->m, given->type, (int) given->size, &given->value));
}

static inline int make(const char *kind, const char *name, const char *lower, const Given *given) {
        Making making = making_begin(kind, name, lower, false);

        making_put(&making, given);
        return making_end(&making);
}

static inline int change(const char *kind, const char *name, const Given *given) {
        Making making = making_begin(kind, name, NULL, true);

        making_put(&making, given);
        return making_end(&making);
}

/* Options of a port, in its master's words. */
static inline int change_port(const char *kind, const char *name, const Given *given) {
        struct ifinfomsg body = { .ifi_index = (int) index_of(name) };
        Making making = { .m = request_new(RTM_NEWLINK, 0, &body, sizeof(body), 8192) };

        making.info = nla_nest_start(making.m, IFLA_LINKINFO);
        must(nla_put_string(making.m, IFLA_INFO_SLAVE_KIND, kind));
        making.data = nla_nest_start(making.m, IFLA_INFO_SLAVE_DATA);
        making_put(&making, given);
        return making_end(&making);
}

static inline void altname_new(const char *name, const char *altname) {
        struct ifinfomsg body = { .ifi_index = (int) index_of(name) };
        struct nl_msg *m = request_new(RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND, &body, sizeof(body),
                        256);
        struct nlattr *list = nla_nest_start(m, IFLA_PROP_LIST | NLA_F_NESTED);

        must(nla_put_string(m, IFLA_ALT_IFNAME, altname));
        (void) nla_nest_end(m, list);
        ck_assert_int_eq(ask(m), 0);
}

/* From `first` to `last`; `flags` of linux/if_bridge.h. */
static inline void vlans_do(uint16_t what, const char *name, bool of_bridge, uint16_t first, uint16_t last,
                uint16_t flags) {
        struct ifinfomsg body = { .ifi_family = AF_BRIDGE, .ifi_index = (int) index_of(name) };
        struct nl_msg *m = request_new(what, 0, &body, sizeof(body), 256);
        struct nlattr *spec = nla_nest_start(m, IFLA_AF_SPEC);
        struct bridge_vlan_info info = { .flags = flags, .vid = first };

        must(nla_put_u16(m, IFLA_BRIDGE_FLAGS, of_bridge ? BRIDGE_FLAGS_SELF : BRIDGE_FLAGS_MASTER));
        if (last > first)
                info.flags |= BRIDGE_VLAN_INFO_RANGE_BEGIN;
        must(nla_put(m, IFLA_BRIDGE_VLAN_INFO, sizeof(info), &info));
        if (last > first) {
                info = (struct bridge_vlan_info) { .flags = flags | BRIDGE_VLAN_INFO_RANGE_END, .vid = last };
                must(nla_put(m, IFLA_BRIDGE_VLAN_INFO, sizeof(info), &info));
        }
        (void) nla_nest_end(m, spec);
        ck_assert_int_eq(ask(m), 0);
}

/* Open as long as the answer is not closed; negative: this machine does not let it. */
static inline int tap_open(const char *name, int flags) {
        int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
        struct ifreq request = { .ifr_flags = (short) flags };

        (void) snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
        if (fd >= 0 && ioctl(fd, TUNSETIFF, &request) < 0) {
                close(fd);
                fd = -1;
        }
        if (fd < 0)
                printf("# SKIP: this machine gives out no taps (%m)\n");
        return fd;
}

/* as text */

static inline bool is_state(const char *kind, bool of_port, int type) {
        static const struct {
                const char *kind;
                bool of_port;
                int types[24];
        } states[] = {
                { "bridge", false, { 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 26, 40, 47, 48 } },
                { "bridge", true, { 1, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 35, 36, 38, 41 } },
                { "bond", false, { IFLA_BOND_ACTIVE_SLAVE, IFLA_BOND_AD_INFO } },
                { "bond", true, { 1, 2, 3, 6, 7, 8, 11, 12 } },
                { "macvlan", false, { IFLA_MACVLAN_BC_QUEUE_LEN_USED } },
                { "macvtap", false, { IFLA_MACVLAN_BC_QUEUE_LEN_USED } },
                { "tun", false, { IFLA_TUN_NUM_QUEUES, IFLA_TUN_NUM_DISABLED_QUEUES } },
        };

        for (size_t i = 0; i < ELEMENTSOF(states); i++)
                for (size_t j = 0; states[i].types[j] != 0; j++)
                        if (strcmp(states[i].kind, kind) == 0 && states[i].of_port == of_port &&
                                        states[i].types[j] == type)
                                return true;
        return false;
}

static inline bool is_interface(const char *kind, bool of_port, int type) {
        return (strcmp(kind, "vxlan") == 0 && type == IFLA_VXLAN_LINK) ||
               (strcmp(kind, "bond") == 0 && !of_port && type == IFLA_BOND_PRIMARY) ||
               (strcmp(kind, "bridge") == 0 && of_port && type == IFLA_BRPORT_BACKUP_PORT);
}

/* What the kernel makes of a speed, which is known some time after the carrier. */
static inline bool is_cost_of_speed(const char *kind, bool of_port, const struct nlattr *a) {
        return of_port && kind && strcmp(kind, "bridge") == 0 && nla_type(a) == IFLA_BRPORT_COST &&
                        (nla_get_u32(a) <= 5 || nla_get_u32(a) == 19 || nla_get_u32(a) == 100);
}

static inline void line_of_options(FILE *f, const Link *link, bool of_port) {
        struct nlattr *data = link_info_attribute(link, of_port ? IFLA_INFO_SLAVE_DATA : IFLA_INFO_DATA), *a;
        const char *kind = of_port ? link->slave_kind : link->kind;
        char buffer[IFNAMSIZ];
        int left;

        fprintf(f, " %s %s:", of_port ? "port of" : "kind", kind ?: "none");
        if (data)
                nla_for_each_nested(a, data, left) {
                        if (is_interface(kind, of_port, nla_type(a)))
                                fprintf(f, " %i=%s", nla_type(a), name_of(nla_get_u32(a), buffer));
                        else if (!is_state(kind, of_port, nla_type(a)) && !is_cost_of_speed(kind, of_port, a))
                                line_put_attribute(f, a);
                }
}

static inline void lines_put(Lines *lines, FILE *f, char **text) {
        ck_assert_int_eq(fclose(f), 0);
        lines->items = reallocarray(lines->items, lines->n + 1, sizeof(char *));
        lines->items[lines->n++] = *text;
        *text = NULL;
}

static inline void lines_put_links(Lines *lines, const Network *network) {
        static const int types[] = {
                IFLA_ADDRESS, IFLA_MTU, IFLA_TXQLEN, IFLA_GROUP, IFLA_IFALIAS, IFLA_PROP_LIST, IFLA_NUM_TX_QUEUES,
        };
        Links links;

        ck_assert_int_eq(links_decode(&network->tables[NETWORK_LINKS], NULL, 0, &links), 0);
        for (size_t i = 0; i < links.n; i++) {
                const Link *link = &links.items[i];
                char buffer[IFNAMSIZ], *text = NULL;
                size_t size;
                FILE *f = open_memstream(&text, &size);

                /* What depends on carriers is not there at once. */
                fprintf(f, "link %s flags=%x", link->name, link->flags & ~(unsigned) (IFF_RUNNING | 1 << 16));
                fprintf(f, " master=%s", name_of(link->master, buffer));
                fprintf(f, " lower=%s", name_of(message_u32(&link->message, IFLA_LINK, 0), buffer));
                for (size_t j = 0; j < ELEMENTSOF(types); j++)
                        if (link->message.attributes[types[j]])
                                line_put_attribute(f, link->message.attributes[types[j]]);
                line_of_options(f, link, false);
                line_of_options(f, link, true);
                lines_put(lines, f, &text);
        }
        network_links_clear(&links);
}

static inline void lines_put_vlans(Lines *lines, const Network *network) {
        const Messages *table = &network->tables[NETWORK_VLANS];
        char buffer[IFNAMSIZ], *text = NULL;
        const struct ifinfomsg *body;
        Message message;
        size_t size;

        for (const struct nlmsghdr *m = NULL; (m = messages_next(table, m));) {
                FILE *f = open_memstream(&text, &size);

                ck_assert_int_eq(message_parse(m, NETWORK_VLANS, &message), 0);
                body = message.body;
                fprintf(f, "vlans %s", name_of((unsigned) body->ifi_index, buffer));
                if (message.attributes[IFLA_AF_SPEC])
                        line_put_attribute(f, message.attributes[IFLA_AF_SPEC]);
                lines_put(lines, f, &text);
        }
}

static inline Lines made_snapshot(void) {
        _cleanup_(network_freep) Network *network = capture();
        Lines lines = {};

        lines_put_links(&lines, network);
        lines_put_vlans(&lines, network);
        qsort(lines.items, lines.n, sizeof(char *), lines_compare);
        return lines;
}

/* All there is is as it was. */
static inline void check_made(const Lines *before) {
        Lines now = made_snapshot();
        size_t n = count_missing(before, &now, NULL, "lost") + count_missing(&now, before, NULL, "new");

        ck_assert_uint_eq(n, 0);
        lines_clear(&now);
}

/* doing it */

/* Everything but the loopback interface. What goes with another is gone before its turn. */
static inline void delete_all(void) {
        struct if_nameindex *all = if_nameindex();

        ck_assert_ptr_nonnull(all);
        for (size_t i = 0; all[i].if_index != 0; i++) {
                struct ifinfomsg body = { .ifi_index = (int) all[i].if_index };

                if (strcmp(all[i].if_name, "lo") != 0 && if_nametoindex(all[i].if_name) == all[i].if_index)
                        (void) ask(request_new(RTM_DELLINK, 0, &body, sizeof(body), 0));
        }
        if_freenameindex(all);
}

/* The changes it took; `problem` NULL: there is none, otherwise one begins like this. */
static inline size_t reconcile(const Network *captured, const char *problem) {
        NetworkOutcome outcome = {};
        bool is_told = false;
        size_t n;

        ck_assert_int_eq(network_reconcile(captured, 0, NETWORK_PASS_FIRST, &outcome), 0);
        for (size_t i = 0; i < json_object_array_length(outcome.problems); i++) {
                const char *text = json_object_get_string(json_object_array_get_idx(outcome.problems, i));

                is_told |= problem && strncmp(text, problem, strlen(problem)) == 0;
                if (!problem || !is_told)
                        printf("# %s\n", text);
                fflush(stdout);
                ck_assert_ptr_nonnull(problem);
        }
        ck_assert(is_told == !!problem);
        n = outcome.n_changes;
        network_outcome_done(&outcome);
        return n;
}

/* What is to come back of what is there. */
static inline Network *capture_selected(void) {
        _cleanup_(network_freep) Network *captured = capture();
        json_object *omitted = json_object_new_array();

        ck_assert_int_eq(network_select(captured, NULL, omitted), 0);
        json_object_put(omitted);
        return TAKE_PTR(captured);
}

/* A namespace in which addresses do not come by themselves. */
static inline bool made_begin(void) {
        if (!network_begin(false))
                return false;
        set_sysctl("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
        set_sysctl("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
        return true;
}

/* What is there is captured, deleted, and comes back; and then nothing is left to do. */
static inline void check_comes_back(void) {
        _cleanup_(network_freep) Network *captured = capture_selected();
        Lines before = made_snapshot();

        ck_assert_uint_eq(reconcile(captured, NULL), 0);
        delete_all();
        ck_assert_uint_gt(reconcile(captured, NULL), 0);
        check_made(&before);
        ck_assert_uint_eq(reconcile(captured, NULL), 0);
        check_made(&before);
        lines_clear(&before);
}
