/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A captured network on its way through JSON, as it is and as it should not be; and which interface is taken for
 * which. */

#include "basic/json.h"
#include "host/network-internal.h"
#include "unit.h"

#include <linux/if_link.h>
#include <netlink/attr.h>
#include <string.h>

static int from_text(const char *text) {
        _cleanup_(network_freep) Network *network = NULL;
        _cleanup_json_ json_object *o = NULL;

        ck_assert_int_eq(json_parse_object(text, strlen(text), &o), 0);
        return network_from_json(o, &network);
}

/* `what` in place of what is there, within an otherwise empty network. */
static int with(const char *key, const char *what) {
        static const char *const keys[] = {
                "capturedUSec", "links", "addresses", "nexthops", "routes", "neighbours", "fdb", "interfaces",
        };
        _cleanup_free_ char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                fprintf(f, "%s\"%s\":%s", i == 0 ? "{" : ",", keys[i],
                                strcmp(keys[i], key) == 0 ? what
                                : i == 0                  ? "1"
                                : i + 1 < ELEMENTSOF(keys) ? "\"\""
                                                          : "[]");
        fprintf(f, "}");
        ck_assert_int_eq(fclose(f), 0);
        return from_text(text);
}

#define GOOD_INTERFACE                                                                                       \
        "\"index\":2,\"device\":\"0000:00:02.0\",\"port\":0,\"settings\":{},\"sysctls\":[\"ipv4/conf/rp_filter=1\"]"

START_TEST(takes_what_is_sound) {
        ck_assert_int_eq(with("", ""), 0);
        ck_assert_int_eq(with("interfaces", "[{" GOOD_INTERFACE "}]"), 0);
        /* struct nlmsghdr, struct rtmsg, RTA_OIF; RTM_NEWROUTE is 0x18 */
        ck_assert_int_eq(with("routes", "\"24000000180000000000000000000000"
                                        "0a200000fe04000100000000" "0800040002000000\""), 0);
}
END_TEST

START_TEST(refuses_broken_messages) {
        static const char *const broken[] = {
                "17", "null", "[]", "\"0\"", "\"zz\"", "\"AB\"", "\"00\"",
                /* longer than it is; shorter than a header; without a body; of another kind */
                "\"28000000180000000000000000000000" "0a200000fe04000100000000" "0800040002000000\"",
                "\"08000000180000000000000000000000" "0a200000fe04000100000000" "0800040002000000\"",
                "\"10000000180000000000000000000000\"",
                "\"24000000140000000000000000000000" "0a200000fe04000100000000" "0800040002000000\"",
                /* RTA_OIF of two bytes; something behind the last one */
                "\"22000000180000000000000000000000" "0a200000fe04000100000000" "06000400020000000\"",
                "\"24000000180000000000000000000000" "0a200000fe04000100000000" "0600040002000000\"",
                "\"24000000180000000000000000000000" "0a200000fe04000100000000" "080004000200000000000000\"",
        };

        for (size_t i = 0; i < ELEMENTSOF(broken); i++)
                ck_assert_msg(with("routes", broken[i]) == -EBADMSG, "%s", broken[i]);
}
END_TEST

START_TEST(refuses_broken_interfaces) {
        static const char *const broken[] = {
                "{}", "[1]", "[{}]",
                "[{\"index\":0,\"device\":\"d\",\"port\":0,\"settings\":{},\"sysctls\":[]}]",
                "[{\"index\":2147483648,\"device\":\"d\",\"port\":0,\"settings\":{},\"sysctls\":[]}]",
                "[{\"index\":2,\"device\":5,\"port\":0,\"settings\":{},\"sysctls\":[]}]",
                "[{\"index\":2,\"device\":\"d\",\"port\":0,\"settings\":{\"rings\":\"0000\"},\"sysctls\":[]}]",
                "[{\"index\":2,\"device\":\"d\",\"port\":0,\"settings\":{\"rings\":7},\"sysctls\":[]}]",
                "[{\"index\":2,\"device\":\"d\",\"port\":0,\"settings\":{\"features\":\"3a0000ff\"},\"sysctls\":[]}]",
                "[{\"index\":2,\"device\":\"d\",\"port\":0,\"settings\":{},\"sysctls\":[7]}]",
                "[{\"index\":2,\"device\":\"d\",\"port\":0,\"settings\":{},\"sysctls\":[\"ipv4/conf/../x=1\"]}]",
                "[{\"index\":2,\"device\":\"d\",\"port\":0,\"settings\":{},\"sysctls\":[\"ipv4/conf/x\"]}]",
                "[{\"index\":2,\"device\":\"d\",\"port\":0,\"settings\":{},\"sysctls\":[\"ipv4/conf/=1\"]}]",
                "[{\"index\":2,\"device\":\"d\",\"port\":0,\"settings\":{},\"sysctls\":[\"ipv4/../kernel/x=1\"]}]",
                "[{\"index\":2,\"device\":\"d\",\"port\":0,\"settings\":{},\"sysctls\":[\"ipv4/configuration/x=1\"]}]",
        };

        for (size_t i = 0; i < ELEMENTSOF(broken); i++)
                ck_assert_msg(with("interfaces", broken[i]) == -EBADMSG, "%s", broken[i]);
        ck_assert_int_eq(from_text("{}"), -EBADMSG);
}
END_TEST

START_TEST(is_bounded) {
        _cleanup_(messages_clear) Messages messages = {};
        char data[60000] = {};
        struct nl_msg *m = request_new(RTM_NEWROUTE, 0, &(struct rtmsg) {}, sizeof(struct rtmsg), sizeof(data) + 64);
        int r = 0;

        ck_assert_int_eq(nla_put(m, RTA_METRICS, sizeof(data), data), 0);
        for (size_t i = 0; r == 0; i++) {
                ck_assert_uint_le(i, 1200);
                r = messages_append(&messages, nlmsg_hdr(m));
        }
        ck_assert_int_eq(r, -E2BIG);
        ck_assert_uint_le(messages.size, NETWORK_BYTES_MAX);
        nlmsg_free(m);
}
END_TEST

/* interfaces */

typedef struct Given {
        unsigned index;
        const char *name, *kind, *parent, *bus;
        unsigned lower, master;
} Given;

static void link_add(Messages *messages, const Given *given) {
        struct ifinfomsg body = { .ifi_index = (int) given->index };
        struct nl_msg *m = request_new(RTM_NEWLINK, 0, &body, sizeof(body), 512);
        struct nlattr *info;

        ck_assert_int_eq(nla_put_string(m, IFLA_IFNAME, given->name), 0);
        if (given->lower)
                ck_assert_int_eq(nla_put_u32(m, IFLA_LINK, given->lower), 0);
        if (given->master)
                ck_assert_int_eq(nla_put_u32(m, IFLA_MASTER, given->master), 0);
        if (given->parent)
                ck_assert_int_eq(nla_put_string(m, IFLA_PARENT_DEV_NAME, given->parent), 0);
        if (given->bus)
                ck_assert_int_eq(nla_put_string(m, IFLA_PARENT_DEV_BUS_NAME, given->bus), 0);
        if (given->kind) {
                info = nla_nest_start(m, IFLA_LINKINFO);
                ck_assert_int_eq(nla_put_string(m, IFLA_INFO_KIND, given->kind), 0);
                (void) nla_nest_end(m, info);
        }
        ck_assert_int_eq(messages_append(messages, nlmsg_hdr(m)), 0);
        nlmsg_free(m);
}

typedef struct World {
        Messages messages;
        NetworkInterface *interfaces;
        size_t n_interfaces;
        Links links;
} World;

static World world_of(const Given *given, size_t n) {
        World world = {};

        for (size_t i = 0; i < n; i++)
                link_add(&world.messages, &given[i]);
        ck_assert_int_eq(links_decode(&world.messages, NULL, 0, &world.links), 0);
        ck_assert_int_eq(links_read_devices(&world.links, &world.interfaces, &world.n_interfaces), 0);
        network_links_clear(&world.links);
        ck_assert_int_eq(links_decode(&world.messages, world.interfaces, world.n_interfaces, &world.links), 0);
        ck_assert_uint_eq(world.links.n, n);
        return world;
}

static void world_clear(World *world) {
        network_links_clear(&world->links);
        for (size_t i = 0; i < world->n_interfaces; i++)
                network_interface_clear(&world->interfaces[i]);
        free(world->interfaces);
        messages_clear(&world->messages);
}

static unsigned now_of(const World *world, unsigned index) {
        const Link *link = links_find(&world->links, index);

        ck_assert_ptr_nonnull(link);
        return link->now ? link->now->index : 0;
}

START_TEST(knows_interfaces_again) {
        static const Given then[] = {
                { 2, "test-eth0", NULL, "0000:00:02.0", "pci" },
                { 3, "test-eth1", NULL, "0000:00:03.0", "pci" },
                { 4, "test-rep0", NULL, "0000:00:04.0", "pci" }, /* two of one device */
                { 5, "test-rep1", NULL, "0000:00:04.0", "pci" },
                { 6, "test-br", "bridge" },
                { 7, "test-tap", "tun" },
                { 8, "test-dummy", "dummy" },
                { 9, "test-gone", NULL, "0000:00:05.0", "pci" },
        };
        static const Given now[] = {
                { 2, "test-renamed", NULL, "0000:00:02.0", "pci" },
                { 6, "test-bridge", "bridge" },                     /* renamed, too */
                { 7, "test-eth1", "tun" },                          /* has taken a name */
                { 8, "test-other", NULL, "0000:00:06.0", "pci" },   /* has taken an index */
                { 20, "test-rep1", NULL, "0000:00:04.0", "pci" },
                { 21, "test-rep0", NULL, "0000:00:04.0", "pci" },
                { 22, "test-enp3", NULL, "0000:00:03.0", "pci" },
                { 23, "test-dummy", "dummy" },
        };
        World a = world_of(then, ELEMENTSOF(then)), b = world_of(now, ELEMENTSOF(now));

        ck_assert_uint_eq(a.n_interfaces, 5);
        ck_assert_str_eq(a.interfaces[0].device, "0000:00:02.0");
        links_match(&a.links, &b.links);
        ck_assert_uint_eq(now_of(&a, 2), 2);
        ck_assert_uint_eq(now_of(&a, 3), 22);
        ck_assert_uint_eq(now_of(&a, 4), 21);
        ck_assert_uint_eq(now_of(&a, 5), 20);
        ck_assert_uint_eq(now_of(&a, 6), 6);
        ck_assert_uint_eq(now_of(&a, 7), 7);
        ck_assert_uint_eq(now_of(&a, 8), 23);
        ck_assert_uint_eq(now_of(&a, 9), 0);
        world_clear(&a);
        world_clear(&b);
}
END_TEST

static bool is_second(const Link *link, const void *userdata) {
        return link->index == 2;
}

START_TEST(knows_what_sits_on_what) {
        static const Given given[] = {
                { 2, "test-eth0", NULL, "0000:00:02.0", "pci", .master = 10 },
                { 3, "test-eth1", NULL, "0000:00:03.0", "pci", .master = 10 }, /* the bond's other slave */
                { 4, "test-vlan", "vlan", .lower = 10, .master = 11 },
                { 10, "test-bond", "bond" },
                { 11, "test-br", "bridge" },
                { 12, "test-veth", "veth", .lower = 13, .master = 11 },
                { 13, "test-peer", "veth", .lower = 12 },
                { 14, "test-ring1", "vlan", .lower = 15 },
                { 15, "test-ring2", "vlan", .lower = 2, .master = 14 },
                { 16, "test-own", "vlan", .lower = 16 },
        };
        World world = world_of(given, ELEMENTSOF(given));
        const Link *l = world.links.items;

        links_concern(&world.links, is_second, NULL);
        ck_assert(l[0].is_concerned && l[0].level == 0);
        ck_assert(!l[1].is_concerned);
        ck_assert(l[2].is_concerned && l[2].level == 2);
        ck_assert(l[3].is_concerned && l[3].level == 1);
        ck_assert(l[4].is_concerned && l[4].level == 3);
        ck_assert(!l[5].is_concerned && !l[6].is_concerned); /* a port beside, and its peer */
        ck_assert(l[7].is_concerned && l[8].is_concerned);   /* and it came to an end */
        ck_assert(!l[9].is_concerned);
        world_clear(&world);
}
END_TEST

/* What sits on each other without end is not worked through without end. */
START_TEST(does_not_climb_for_ever) {
        static Given given[5000];
        static char names[ELEMENTSOF(given)][IFNAMSIZ];
        World world;

        for (unsigned i = 0; i < ELEMENTSOF(given); i++) {
                (void) snprintf(names[i], IFNAMSIZ, "test-%u", i);
                given[i] = (Given) { 2 + i, names[i], "vlan", .lower = i == 0 ? 1 + ELEMENTSOF(given) : 1 + i };
        }
        world = world_of(given, ELEMENTSOF(given));
        links_concern(&world.links, is_second, NULL);
        for (size_t i = 0; i < world.links.n; i++)
                ck_assert_uint_le(world.links.items[i].level, 64);
        ck_assert(world.links.items[10].is_concerned);
        world_clear(&world);
}
END_TEST

/* Names of virtio devices are not given twice; the device below is to be had from sysfs, if at all. */
START_TEST(virtio_is_looked_up) {
        static const Given given[] = { { 2, "test-no-such", NULL, "virtio0", "virtio" }, { 3, "test-v", "veth", "x" } };
        World world = world_of(given, ELEMENTSOF(given));

        ck_assert_uint_eq(world.n_interfaces, 0);
        world_clear(&world);
}
END_TEST

UNIT_MAIN("network-hostile", takes_what_is_sound, refuses_broken_messages, refuses_broken_interfaces, is_bounded,
                knows_interfaces_again, knows_what_sits_on_what, does_not_climb_for_ever, virtio_is_looked_up)
