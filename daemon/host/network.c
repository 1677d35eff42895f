/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "basic/clock.h"
#include "host/network-internal.h"

void network_interface_clear(NetworkInterface *interface) {
        free(interface->device);
        sysctls_free(interface->sysctls, interface->n_sysctls);
        *interface = (NetworkInterface) {};
}

Network *network_free(Network *network) {
        if (!network)
                return NULL;
        for (size_t i = 0; i < _NETWORK_TABLE_MAX; i++)
                messages_clear(&network->tables[i]);
        for (size_t i = 0; i < network->n_interfaces; i++)
                network_interface_clear(&network->interfaces[i]);
        free(network->interfaces);
        free(network);
        return NULL;
}

/* Those of hardware are there. */
static int add_virtual(Network *network, const Links *links) {
        size_t n_hardware = network->n_interfaces;
        NetworkInterface *grown;

        grown = reallocarray(network->interfaces, n_hardware + links->n + 1, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        network->interfaces = grown;
        for (size_t i = 0; i < links->n; i++) {
                const Link *link = &links->items[i];
                bool is_known = link->flags & IFF_LOOPBACK;

                for (size_t j = 0; !is_known && j < n_hardware; j++)
                        is_known = grown[j].index == link->index;
                if (!is_known)
                        grown[network->n_interfaces++] = (NetworkInterface) { .index = link->index };
        }
        return 0;
}

static int capture_settings(struct nl_sock *sk, Network *network) {
        _cleanup_(network_links_clear) Links links = {};
        int r;

        r = links_decode(&network->tables[NETWORK_LINKS], NULL, 0, &links);
        if (r >= 0)
                r = links_read_devices(&links, &network->interfaces, &network->n_interfaces);
        if (r >= 0)
                r = add_virtual(network, &links);
        for (size_t i = 0; r >= 0 && i < network->n_interfaces; i++) {
                NetworkInterface *interface = &network->interfaces[i];
                const char *name = links_find(&links, interface->index)->name;

                if (interface->device)
                        ethtool_read(nl_socket_get_fd(sk), name, interface->settings);
                r = sysctls_read(name, &interface->sysctls, &interface->n_sysctls);
        }
        return r;
}

int network_capture(Network **ret) {
        _cleanup_(network_freep) Network *network = calloc(1, sizeof(*network));
        _cleanup_(nl_socket_freep) struct nl_sock *sk = NULL;
        size_t size = 0;
        int r;

        if (!network)
                return -ENOMEM;
        r = netlink_open(&sk);
        network->captured_usec = now_usec(CLOCK_MONOTONIC);
        for (NetworkTable table = 0; r >= 0 && table < _NETWORK_TABLE_MAX; table++) {
                r = netlink_dump(sk, table, &network->tables[table]);
                size += network->tables[table].size;
                if (r >= 0 && size > NETWORK_BYTES_MAX)
                        r = -E2BIG;
        }
        if (r >= 0)
                r = netlink_dump_filters(sk, &network->tables[NETWORK_QDISCS], &network->tables[NETWORK_FILTERS]);
        if (r >= 0)
                r = capture_settings(sk, network);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(network);
        return 0;
}

int network_link_set_up(unsigned index, bool is_up) {
        struct ifinfomsg body = {
                .ifi_index = (int) index, .ifi_flags = is_up ? IFF_UP : 0, .ifi_change = IFF_UP,
        };
        _cleanup_(nl_msg_freep) struct nl_msg *request = request_new(RTM_SETLINK, 0, &body, sizeof(body), 0);
        _cleanup_(nl_socket_freep) struct nl_sock *sk = NULL;
        int r;

        if (!request)
                return -ENOMEM;
        r = netlink_open(&sk);
        return r < 0 ? r : netlink_request_one(sk, request);
}
