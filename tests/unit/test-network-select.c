/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What interfaces need of a network, and what of that is not carried. */

#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/network-links.h"
#include "network-jump.h"

#define MAC_1 "\x02\0\0\0\0\x01"

static bool has_link(const Network *network, const char *name) {
        _cleanup_(network_links_clear) Links links = {};

        ck_assert_int_eq(links_decode(&network->tables[NETWORK_LINKS], NULL, 0, &links), 0);
        for (size_t i = 0; i < links.n; i++)
                if (strcmp(links.items[i].name, name) == 0)
                        return true;
        return false;
}

static size_t count(const Network *network, NetworkTable table) {
        return messages_count(&network->tables[table]);
}

static size_t count_routes(const Network *network, unsigned char family, uint32_t table) {
        Message route;
        size_t n = 0;

        for (const struct nlmsghdr *m = NULL; (m = messages_next(&network->tables[NETWORK_ROUTES], m));) {
                ck_assert_int_eq(message_parse(m, NETWORK_ROUTES, &route), 0);
                n += ((const struct rtmsg *) route.body)->rtm_family == family &&
                                message_u32(&route, RTA_TABLE, 0) == table;
        }
        return n;
}

static void build(const char *bridge, const char *port, const char *network, uint32_t table) {
        char address[32], gateway[32], far[32];

        (void) snprintf(address, sizeof(address), "10.%s.0.1", network);
        (void) snprintf(gateway, sizeof(gateway), "10.%s.0.254", network);
        (void) snprintf(far, sizeof(far), "172.%s.0.0", network);
        ck_assert_int_eq(link_new("bridge", bridge, NULL, 0), 0);
        link_new_wired(port);
        ck_assert_int_eq(link_set_master(port, bridge), 0);
        up(bridge);
        address_new(bridge, address, 24, 0, 0, 0);
        route_new(.to = far, .length = 24, .gateway = gateway);
        route_new(.to = far, .length = 25, .gateway = gateway, .table = table);
        route_new(.to = "10.0.0.0", .length = 8, .table = table, .type = RTN_BLACKHOLE);
        neighbour_new(bridge, gateway, MAC_1, NUD_PERMANENT, 0);
        fdb_do(RTM_NEWNEIGH, port, MAC_1);
        ck_assert_int_eq(rule_new(table, table, NULL, gateway), 0);
        ck_assert_int_eq(rule_new(table + 1, 77, bridge, NULL), 0);
        ck_assert_int_eq(qdisc_new(port, TC_H_ROOT, 0x10000, "pfifo", 77), 0);
}

START_TEST(one_of_two_bridges) {
        static const char *const names[] = { "a", "gone", NULL };
        _cleanup_(network_freep) Network *one = NULL, *all = NULL;
        _cleanup_json_ json_object *omitted = NULL;

        if (!network_begin(false))
                return;
        build("br0", "a", "1", 1000);
        build("br1", "b", "2", 2000);
        route_new(.to = "10.0.0.0", .length = 8, .type = RTN_BLACKHOLE);
        one = selected(names, &omitted);
        all = selected(NULL, NULL);

        ck_assert_uint_eq(json_object_array_length(omitted), 0);
        ck_assert(has_link(one, "a") && has_link(one, "br0") && has_link(one, "lo"));
        ck_assert(!has_link(one, "b") && !has_link(one, "br1"));
        ck_assert(has_link(all, "br1"));
        ck_assert_uint_eq(count_routes(one, AF_INET, 1000), 2);
        ck_assert_uint_eq(count_routes(one, AF_INET, 2000), 0);
        ck_assert_uint_eq(count_routes(all, AF_INET, 2000), 2);
        /* Not the kernel's own, nor what leads nowhere for everybody. */
        ck_assert_uint_eq(count_routes(one, AF_INET, RT_TABLE_MAIN), 1);
        ck_assert_uint_eq(count_routes(all, AF_INET, RT_TABLE_MAIN), 3);
        ck_assert_uint_eq(count_routes(all, AF_INET, RT_TABLE_LOCAL), 0);
        ck_assert_uint_eq(count(one, NETWORK_RULES), 2);
        ck_assert_uint_eq(count(all, NETWORK_RULES), 4);
        ck_assert_uint_eq(count(one, NETWORK_NEIGHBOURS), 1);
        ck_assert_uint_eq(count(one, NETWORK_QDISCS), 1);
        /* A kernel that knows VLANs makes another of it in each. */
        ck_assert_uint_ge(count(one, NETWORK_FDB), 1);
        ck_assert_uint_eq(count(all, NETWORK_FDB), 2 * count(one, NETWORK_FDB));
        for (size_t i = 0; i < one->n_interfaces; i++)
                ck_assert(one->interfaces[i].index != index_of("b") && one->interfaces[i].index != index_of("lo"));
        ck_assert_uint_lt(one->n_interfaces, all->n_interfaces);
        network_end();
}
END_TEST

/* A route that goes two ways needs both. */
START_TEST(routes_bring_their_other_ways) {
        static const char *const names[] = { "br0", NULL };
        _cleanup_(network_freep) Network *one = NULL;

        if (!network_begin(false))
                return;
        build("br0", "a", "1", 1000);
        build("br1", "b", "2", 2000);
        route_new(.to = "10.4.0.0", .length = 16,
                        .legs = { { "br0", "10.1.0.254", 2 }, { "br1", "10.2.0.254", 0 } });
        one = selected(names, NULL);
        ck_assert(has_link(one, "br1") && has_link(one, "b"));
        ck_assert_uint_eq(count_routes(one, AF_INET, 2000), 2);
        network_end();
}
END_TEST

/* A bridge on a VLAN on a bond, as far as this kernel has them. */
START_TEST(what_they_sit_on_comes_along) {
        static const char *const names[] = { "v", NULL };
        _cleanup_(network_freep) Network *one = NULL;

        if (!network_begin(false))
                return;
        ck_assert_int_eq(link_new("bridge", "br0", NULL, 0), 0);
        ck_assert_int_eq(link_new("bridge", "br1", NULL, 0), 0);
        if (!is_supported(link_new("bond", "bond0", NULL, 0), "bond"))
                return;
        link_new_wired("a");
        link_new_wired("b");
        link_new_wired("v");
        down("a");
        ck_assert_int_eq(link_set_master("a", "bond0"), 0);
        if (!is_supported(link_new("vlan", "bond0.5", "bond0", 5), "vlan"))
                return;
        ck_assert_int_eq(link_new("vlan", "bond0.6", "bond0", 6), 0);
        ck_assert_int_eq(link_new("vlan", "br0.7", "br0", 7), 0);
        ck_assert_int_eq(link_set_master("bond0.5", "br0"), 0);
        ck_assert_int_eq(link_set_master("bond0.6", "br1"), 0);
        ck_assert_int_eq(link_set_master("v", "br0"), 0);
        one = selected(names, NULL);
        ck_assert(has_link(one, "br0") && has_link(one, "bond0.5") && has_link(one, "bond0") && has_link(one, "a"));
        ck_assert(has_link(one, "br0.7"));
        ck_assert(!has_link(one, "b") && !has_link(one, "br1") && !has_link(one, "bond0.6"));
        network_end();
}
END_TEST

START_TEST(what_cannot_be_carried_is_told) {
        _cleanup_(network_freep) Network *all = NULL;
        _cleanup_json_ json_object *omitted = NULL;
        int pipes[2], status;
        uint32_t pid;
        char c;

        if (!network_begin(false))
                return;
        link_new_wired("a");
        link_new_wired("q");
        ck_assert_int_eq(pipe(pipes), 0);
        pid = (uint32_t) fork();
        if (pid == 0) {
                close(pipes[1]);
                _exit(unshare(CLONE_NEWNET) < 0 || write(pipes[0], "", 0) > 0 || read(pipes[0], &c, 1) < 0);
        }
        close(pipes[0]);
        for (unsigned i = 0; i < 100 && link_set_u32("ap", IFLA_NET_NS_PID, pid) < 0; i++)
                rest();
        /* Not before it is in another one. */
        for (unsigned i = 0; i < 100 && if_nametoindex("ap") != 0; i++) {
                rest();
                (void) link_set_u32("ap", IFLA_NET_NS_PID, pid);
        }
        if (!is_supported(qdisc_new("q", TC_H_ROOT, 0x10000, "htb", 0) == -ENOENT ? -EOPNOTSUPP : 0, "htb"))
                return;
        all = selected(NULL, &omitted);
        ck_assert(!has_link(all, "a"));
        ck_assert(has_link(all, "q"));
        ck_assert_uint_eq(count(all, NETWORK_QDISCS), 0);
        for (size_t i = 0; i < json_object_array_length(omitted); i++)
                printf("# %s\n", json_object_get_string(json_object_array_get_idx(omitted, i)));
        ck_assert_ptr_nonnull(strstr(json_object_to_json_string(omitted), "The interface a is not carried"));
        close(pipes[1]);
        ck_assert_int_eq(waitpid((pid_t) pid, &status, 0), (pid_t) pid);
        network_end();
}
END_TEST

/* processes */

static int tap_open(const char *name) {
        struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
        int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

        if (fd < 0)
                return -1;
        (void) snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
        ck_assert_int_eq(ioctl(fd, TUNSETIFF, &request), 0);
        return fd;
}

START_TEST(processes_have_interfaces) {
        char **names = NULL;
        int fd, unattached;
        pid_t pid;

        if (!network_begin(false))
                return;
        ck_assert_int_eq(network_interfaces_of_process(getpid(), &names), 0);
        ck_assert_ptr_null(names);
        unattached = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
        fd = tap_open("tap7");
        if (fd < 0) {
                printf("# SKIP: no /dev/net/tun here (%m)\n");
                return;
        }
        ck_assert_int_eq(network_interfaces_of_process(getpid(), &names), 0);
        ck_assert_int_eq(network_interfaces_of_process(getpid(), &names), 0); /* once */
        ck_assert_ptr_nonnull(names);
        ck_assert_str_eq(names[0], "tap7");
        ck_assert_ptr_null(names[1]);
        names = network_names_free(names);

        pid = fork();
        if (pid == 0)
                _exit(0);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
        ck_assert_int_eq(network_interfaces_of_process(pid, &names), 0);
        ck_assert_ptr_null(names);
        close(unattached);
        close(fd);
        network_end();
}
END_TEST

/* A tap that comes with its process is waited for. */
START_TEST(taps_are_waited_for) {
        static const char *const names[] = { "tap7", NULL };
        _cleanup_(network_freep) Network *wanted = NULL;
        NetworkOutcome outcome;
        int fd;

        if (!network_begin(false))
                return;
        fd = tap_open("tap7");
        if (fd < 0)
                return;
        ck_assert_int_eq(link_new("bridge", "br0", NULL, 0), 0);
        ck_assert_int_eq(link_set_master("tap7", "br0"), 0);
        up("tap7");
        fdb_do(RTM_NEWNEIGH, "tap7", MAC_1);
        neighbour_new("tap7", "10.1.0.5", MAC_1, NUD_PERMANENT, 0);
        route_new(.to = "10.44.0.0", .length = 16, .dev = "tap7", .scope = RT_SCOPE_LINK);
        wanted = selected(names, NULL);
        close(fd);

        jump(false);
        outcome = reconcile_at(wanted, 0, NETWORK_PASS_FIRST);
        ck_assert_uint_eq(outcome.n_missing, 1);
        ck_assert_msg(json_object_array_length(outcome.problems) == 0, "%s",
                        json_object_to_json_string(outcome.problems));
        network_outcome_done(&outcome);
        fd = tap_open("tap7");
        ck_assert_uint_gt(reconcile(wanted, NETWORK_PASS_FIRST), 3);
        ck_assert_uint_eq(reconcile(wanted, NETWORK_PASS_FIRST), 0);
        close(fd);
        network_end();
}
END_TEST

UNIT_MAIN("network-select", one_of_two_bridges, routes_bring_their_other_ways, what_they_sit_on_comes_along,
                what_cannot_be_carried_is_told, processes_have_interfaces, taps_are_waited_for)
