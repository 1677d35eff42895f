/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is asked of the kernel for links of kinds that not every kernel has: the differences of options and of VLANs,
 * against a kernel that is played here. And what is known of kinds. */

#include <linux/if_bridge.h>
#include <errno.h>
#include <linux/if_link.h>
#include <netlink/attr.h>
#include <string.h>

#include "host/network-links.h"
#include "unit.h"

#define must(what) ck_assert_msg((what) >= 0, "%s failed", #what)

/* the kernel */

static Messages present[_NETWORK_TABLE_MAX], asked;
static int refused_type, refused_with; /* an option */

int __wrap_netlink_dump(struct nl_sock *sk, NetworkTable table, Messages *messages);
int __wrap_netlink_request(struct nl_sock *sk, const Messages *requests, int *errors);
int __wrap_netlink_request_one(struct nl_sock *sk, struct nl_msg *request);

int __wrap_netlink_dump(struct nl_sock *sk, NetworkTable table, Messages *messages) {
        for (const struct nlmsghdr *m = NULL; (m = messages_next(&present[table], m));)
                must(messages_append(messages, m));
        return 0;
}

static struct nlattr *options_of(const struct nlmsghdr *m) {
        struct nlattr *info = nlmsg_find_attr((struct nlmsghdr *) m, sizeof(struct ifinfomsg), IFLA_LINKINFO);

        return info ? nla_find(nla_data(info), nla_len(info), IFLA_INFO_DATA) : NULL;
}

static int answer(const struct nlmsghdr *m) {
        struct nlattr *data = options_of(m);

        must(messages_append(&asked, m));
        return refused_type != 0 && data && nla_find(nla_data(data), nla_len(data), refused_type) ? refused_with : 0;
}

int __wrap_netlink_request(struct nl_sock *sk, const Messages *requests, int *errors) {
        for (const struct nlmsghdr *m = NULL; (m = messages_next(requests, m));)
                *errors++ = answer(m);
        return 0;
}

int __wrap_netlink_request_one(struct nl_sock *sk, struct nl_msg *request) {
        return answer(nlmsg_hdr(request));
}

static void kernel_end(void) {
        for (size_t i = 0; i < _NETWORK_TABLE_MAX; i++)
                messages_clear(&present[i]);
        messages_clear(&asked);
}

/* links */

typedef struct Option {
        int type;
        size_t size;
        uint64_t value;
} Option;

typedef struct Given {
        unsigned index;
        const char *name, *kind, *port_kind;
        unsigned master, lower;
        Option options[8];
} Given;

static void link_add(Messages *messages, const Given *given) {
        struct ifinfomsg body = { .ifi_index = (int) given->index };
        struct nl_msg *m = request_new(RTM_NEWLINK, 0, &body, sizeof(body), 2048);
        struct nlattr *info, *data;

        must(nla_put_string(m, IFLA_IFNAME, given->name));
        if (given->master)
                must(nla_put_u32(m, IFLA_MASTER, given->master));
        if (given->lower)
                must(nla_put_u32(m, IFLA_LINK, given->lower));
        info = nla_nest_start(m, IFLA_LINKINFO);
        must(nla_put_string(m, IFLA_INFO_KIND, given->kind));
        if (given->port_kind)
                must(nla_put_string(m, IFLA_INFO_SLAVE_KIND, given->port_kind));
        data = nla_nest_start(m, IFLA_INFO_DATA);
        for (const Option *o = given->options; o->type != 0; o++)
                must(nla_put(m, o->type, (int) o->size, &o->value));
        (void) nla_nest_end(m, data);
        (void) nla_nest_end(m, info);
        must(messages_append(messages, nlmsg_hdr(m)));
        nlmsg_free(m);
}

typedef struct Range {
        uint16_t first, last, flags;
} Range;

/* `ranges` ends with 0. */
static void vlans_add(Messages *messages, unsigned index, unsigned master, const Range *ranges) {
        struct ifinfomsg body = { .ifi_family = AF_BRIDGE, .ifi_index = (int) index };
        struct nl_msg *m = request_new(RTM_NEWLINK, 0, &body, sizeof(body), 2048);
        struct nlattr *spec;

        must(nla_put_string(m, IFLA_IFNAME, "x"));
        if (master != 0)
                must(nla_put_u32(m, IFLA_MASTER, master));
        spec = nla_nest_start(m, IFLA_AF_SPEC);
        for (; ranges->first != 0; ranges++) {
                bool is_one = ranges->first == ranges->last;
                struct bridge_vlan_info first = {
                        .vid = ranges->first, .flags = ranges->flags | (is_one ? 0 : BRIDGE_VLAN_INFO_RANGE_BEGIN),
                }, last = { .vid = ranges->last, .flags = ranges->flags | BRIDGE_VLAN_INFO_RANGE_END };

                must(nla_put(m, IFLA_BRIDGE_VLAN_INFO, sizeof(first), &first));
                if (!is_one)
                        must(nla_put(m, IFLA_BRIDGE_VLAN_INFO, sizeof(last), &last));
        }
        (void) nla_nest_end(m, spec);
        must(messages_append(messages, nlmsg_hdr(m)));
        nlmsg_free(m);
}

static bool is_any(const Link *link, const void *userdata) {
        return true;
}

static void begin(Restore *r, const Network *captured) {
        *r = (Restore) {
                .captured = captured, .makes_links = true, .problems = json_object_new_array(), .is_stale = true,
        };
        must(links_decode(&captured->tables[NETWORK_LINKS], NULL, 0, &r->then));
        links_concern(&r->then, is_any, NULL);
        must(restore_refresh(r));
}

static void end(Restore *r, Network *captured) {
        network_links_clear(&r->then);
        network_links_clear(&r->now);
        messages_clear(&r->messages);
        free(r->interfaces);
        free(r->why);
        json_object_put(r->problems);
        for (size_t i = 0; i < _NETWORK_TABLE_MAX; i++)
                messages_clear(&captured->tables[i]);
        kernel_end();
}

/* "d1 s50,2 s151-300": what was asked of VLANs, in order: deleted, set, with flags. */
static void vlans_asked(char *text, size_t size) {
        size_t n = 0;

        text[0] = 0;
        for (const struct nlmsghdr *m = NULL; (m = messages_next(&asked, m));) {
                struct nlattr *spec, *a;
                int left;

                spec = nlmsg_find_attr((struct nlmsghdr *) m, sizeof(struct ifinfomsg), IFLA_AF_SPEC);
                nla_for_each_nested(a, spec, left) {
                        struct bridge_vlan_info info;

                        if (nla_type(a) != IFLA_BRIDGE_VLAN_INFO)
                                continue;
                        memcpy(&info, nla_data(a), sizeof(info));
                        if (info.flags & BRIDGE_VLAN_INFO_RANGE_END)
                                n += (size_t) snprintf(text + n, size - n, "-%u", info.vid);
                        else
                                n += (size_t) snprintf(text + n, size - n, " %s%u,%u",
                                                m->nlmsg_type == RTM_DELLINK ? "d" : "s", info.vid,
                                                (unsigned) (info.flags & ~BRIDGE_VLAN_INFO_RANGE_BEGIN));
                }
        }
}

#define PVID (BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED)

static const Given bridge_of_vlans = { 2, "br", "bridge", .options = { { IFLA_BR_VLAN_DEFAULT_PVID, 2, 1 } } };

static void check_vlans(bool is_made, NetworkPass pass, unsigned flags, const Range *wanted, const Range *now,
                const char *expected) {
        static const Given port = { 3, "port", "dummy", "bridge", .master = 2 };
        static const Given port_now = { 13, "port", "dummy", "bridge", .master = 12 };
        Given bridge_now = bridge_of_vlans;
        Network captured = {};
        char text[1024];
        Restore r;

        bridge_now.index = 12;
        link_add(&captured.tables[NETWORK_LINKS], &bridge_of_vlans);
        link_add(&captured.tables[NETWORK_LINKS], &port);
        link_add(&present[NETWORK_LINKS], &bridge_now);
        link_add(&present[NETWORK_LINKS], &port_now);
        vlans_add(&captured.tables[NETWORK_VLANS], 3, 2, wanted);
        vlans_add(&present[NETWORK_VLANS], 13, 12, now);
        begin(&r, &captured);
        r.pass = pass;
        links_find(&r.then, 3)->is_made = is_made;
        links_find(&r.then, 3)->now->flags = flags;
        must(restore_vlans(&r));
        vlans_asked(text, sizeof(text));
        ck_assert_str_eq(text, expected);
        end(&r, &captured);
}

START_TEST(vlans_differ) {
        static const Range wanted[] = {
                { 50, 50, PVID }, { 100, 300, 0 }, { 4094, 4094, BRIDGE_VLAN_INFO_UNTAGGED }, {},
        };
        static const Range now[] = { { 1, 1, PVID }, { 7, 7, 0 }, { 100, 150, 0 }, {} };
        static const Range none[] = { {} };

        check_vlans(true, NETWORK_PASS_FIRST, 0, wanted, wanted, "");
        check_vlans(true, NETWORK_PASS_FIRST, 0, wanted, none, " s50,6 s100,0-300 s4094,4");
        /* It was made here: nobody but the kernel gave it what is more. */
        check_vlans(true, NETWORK_PASS_FIRST, 0, wanted, now, " d1,6 d7,0 s50,6 s151,0-300 s4094,4");
        /* It was there: 7 is somebody's. */
        check_vlans(false, NETWORK_PASS_FIRST, 0, wanted, now, " d1,6 s50,6 s151,0-300 s4094,4");
        check_vlans(false, NETWORK_PASS_LATER, IFF_UP, wanted, now, " s50,6 s151,0-300 s4094,4");
        check_vlans(true, NETWORK_PASS_FIRST, 0, none, now, " d1,6 d7,0 d100,0-150");
        check_vlans(false, NETWORK_PASS_FIRST, 0, none, now, " d1,6");
}
END_TEST

/* Other flags of one that is there. */
START_TEST(vlans_are_otherwise) {
        static const Range wanted[] = { { 1, 1, 0 }, { 2, 2, PVID }, {} }, now[] = { { 1, 1, PVID }, { 2, 2, 0 }, {} };

        check_vlans(false, NETWORK_PASS_FIRST, IFF_UP, wanted, now, " s1,0 s2,6");
        check_vlans(false, NETWORK_PASS_LATER, IFF_UP, wanted, now, "");
        check_vlans(false, NETWORK_PASS_LATER, 0, wanted, now, " s1,0 s2,6");
}
END_TEST

/* Ranges that go backwards, or do not begin, or leave what there is. */
START_TEST(broken_vlans_are_survived) {
        static const Range wanted[] = { { 300, 100, 0 }, { 4090, 9000, 0 }, {} }, now[] = { {} };

        check_vlans(false, NETWORK_PASS_FIRST, 0, wanted, now, " s4090,0-4094");
}
END_TEST

/* options */

/* "1 3": types of the options in each request, a request after the other, with ";" between. */
static void options_asked(char *text, size_t size) {
        size_t n = 0;

        text[0] = 0;
        for (const struct nlmsghdr *m = NULL; (m = messages_next(&asked, m));) {
                struct nlattr *data = options_of(m), *a;
                int left;

                if (data)
                        nla_for_each_nested(a, data, left)
                                n += (size_t) snprintf(text + n, size - n, " %i", nla_type(a));
                n += (size_t) snprintf(text + n, size - n, ";");
        }
}

static void check_options(const Given *wanted, const Given *now, const char *expected, const char *problem) {
        Network captured = {};
        char text[1024];
        Restore r;

        link_add(&captured.tables[NETWORK_LINKS], wanted);
        link_add(&present[NETWORK_LINKS], now);
        begin(&r, &captured);
        must(restore_options(&r, OPTIONS_OWN));
        options_asked(text, sizeof(text));
        ck_assert_str_eq(text, expected);
        if (problem)
                ck_assert_str_eq(r.why, problem);
        else
                ck_assert_ptr_null(r.why);
        end(&r, &captured);
}

/* The kernel played here changes nothing, and is asked no more than three times. */
START_TEST(options_differ) {
        static const Given bond = { 2, "b", "bond", .options = { { IFLA_BOND_MODE, 1, 1 }, { IFLA_BOND_MIIMON, 4, 100 },
                                            { IFLA_BOND_UPDELAY, 4, 200 }, { IFLA_BOND_PRIMARY, 4, 9 },
                                            { IFLA_BOND_AD_INFO, 4, 5 } } };
        static const Given other = { 3, "b", "bond", .options = { { IFLA_BOND_MODE, 1, 1 }, { IFLA_BOND_MIIMON, 4, 0 },
                                             { IFLA_BOND_UPDELAY, 4, 0 }, { IFLA_BOND_ARP_INTERVAL, 4, 7 } } };

        check_options(&bond, &bond, "", NULL);
        check_options(&bond, &other, " 3 4; 3 4; 3 4;", NULL);
        refused_type = IFLA_BOND_UPDELAY;
        refused_with = -EPERM;
        check_options(&bond, &other, " 3 4; 3; 4;", "Cannot set the up delay of b: Operation not permitted.");
        refused_type = 0;
}
END_TEST

START_TEST(options_of_creation_are_told) {
        static const Given vlan = { 2, "v", "vlan", .lower = 9, .options = { { IFLA_VLAN_ID, 2, 7 } } };
        static const Given other = { 3, "v", "vlan", .lower = 9, .options = { { IFLA_VLAN_ID, 2, 8 } } };
        static const Given flags = { 3, "v", "vlan", .lower = 9, .options = { { IFLA_VLAN_ID, 2, 7 },
                                             { IFLA_VLAN_FLAGS, 8, 0xffffffff00000001 } } };

        check_options(&vlan, &other, "", "The VLAN number of v is otherwise than it was, and can only be given when it "
                                         "is made.");
        check_options(&flags, &vlan, " 2; 2; 2;", NULL);
        /* None were told, since there are none; the kernel begins with one. */
        check_options(&vlan, &flags, " 2; 2; 2;", NULL);
}
END_TEST

/* What is known of kinds. */
START_TEST(kinds_that_cannot_be_made) {
        static const Given given[] = {
                { 2, "wg", "wireguard" },
                { 3, "v", "vlan" }, /* on one in another namespace */
                { 4, "v2", "vlan", .lower = 2 },
                { 5, "peerless", "veth" },
                { 6, "vx", "vxlan", .options = { { IFLA_VXLAN_LINK, 4, 4 } } },
                { 7, "vx2", "vxlan", .options = { { IFLA_VXLAN_LINK, 4, 0 } } },
                { 8, "tap", "tun", .options = { { IFLA_TUN_PERSIST, 1, 0 } } },
                { 9, "tap2", "tun", .options = { { IFLA_TUN_PERSIST, 1, 1 } } },
        };
        Messages messages = {};
        Links links;

        for (size_t i = 0; i < ELEMENTSOF(given); i++)
                link_add(&messages, &given[i]);
        must(links_decode(&messages, NULL, 0, &links));
        ck_assert_str_eq(link_not_carried(&links.items[0]), "its keys are not told by rtnetlink");
        ck_assert_str_eq(link_not_carried(&links.items[1]), "what it sits on is in another network namespace");
        ck_assert_ptr_null(link_not_carried(&links.items[2]));
        ck_assert_str_eq(link_not_carried(&links.items[3]), "its other end is in another network namespace");
        ck_assert_uint_eq(link_reference(&links.items[4], 0), 4);
        ck_assert_uint_eq(link_reference(&links.items[4], 1), 0);
        ck_assert_uint_eq(link_reference(&links.items[5], 0), 0);
        ck_assert(link_is_waited_for(&links.items[6]));
        ck_assert(!link_is_waited_for(&links.items[7]));
        network_links_clear(&links);
        messages_clear(&messages);
}
END_TEST

/* Under another kernel a number is no sign of anything. */
START_TEST(indexes_say_nothing) {
        static const Given then[] = { { 2, "a", "dummy" }, { 3, "b", "dummy" }, { 4, "c", "dummy" } };
        static const Given now[] = { { 2, "b", "dummy" }, { 3, "a", "dummy" }, { 4, "c", "ifb" } };
        Messages messages = {}, others = {};
        Links a, b;

        for (size_t i = 0; i < ELEMENTSOF(then); i++) {
                link_add(&messages, &then[i]);
                link_add(&others, &now[i]);
        }
        must(links_decode(&messages, NULL, 0, &a));
        must(links_decode(&others, NULL, 0, &b));
        links_match_anew(&a, &b);
        ck_assert_uint_eq(a.items[0].now->index, 3);
        ck_assert_uint_eq(a.items[1].now->index, 2);
        ck_assert_ptr_null(a.items[2].now);
        network_links_clear(&a);
        network_links_clear(&b);
        messages_clear(&messages);
        messages_clear(&others);
}
END_TEST

UNIT_MAIN("network-kinds", vlans_differ, vlans_are_otherwise, broken_vlans_are_survived, options_differ,
                options_of_creation_are_told, kinds_that_cannot_be_made, indexes_say_nothing)
