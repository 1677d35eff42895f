/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A captured network as another process left it: the JSON, the kernel's messages in it, and all that is made of them
 * to put it back. There is no kernel here that would get it: what is there now is what was captured, or as much of it
 * as the first byte says, and every request is answered in one of several ways. */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "basic/json.h"
#include "host/network-links.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const Network *present;
static uint8_t how;

/* wrapped: the kernel */

int __wrap_netlink_open(struct nl_sock **ret);
int __wrap_netlink_dump(struct nl_sock *sk, NetworkTable table, Messages *messages);
int __wrap_netlink_request(struct nl_sock *sk, const Messages *requests, int *errors);
int __wrap_netlink_request_one(struct nl_sock *sk, struct nl_msg *request);
int __wrap_links_read_devices(const Links *links, NetworkInterface **ret, size_t *ret_n);
int __wrap_ethtool_restore(int fd, const char *name, EthtoolSetting setting, const EthtoolValue *wanted);
int __wrap_sysctl_restore(const char *name, const char *sysctl);
int __wrap_sysctls_read(const char *name, char ***ret, size_t *ret_n);
int __wrap_tun_make(const Link *then, unsigned index);
int __wrap_tun_adjust(const Link *then);

int __wrap_netlink_open(struct nl_sock **ret) {
        *ret = nl_socket_alloc();
        return *ret ? 0 : -ENOMEM;
}

int __wrap_netlink_dump(struct nl_sock *sk, NetworkTable table, Messages *messages) {
        bool is_there = table == NETWORK_LINKS || (how & 1);
        int r = 0;

        for (const struct nlmsghdr *m = NULL; r >= 0 && is_there && (m = messages_next(&present->tables[table], m));)
                r = messages_append(messages, m);
        return r;
}

/* What is sent is well-formed, whatever it was made of. */
int __wrap_netlink_request(struct nl_sock *sk, const Messages *requests, int *errors) {
        static const int answers[] = { 0, -EEXIST, -ENETUNREACH, -EBUSY };
        size_t i = 0, bytes = 0;

        for (const struct nlmsghdr *m = NULL; (m = messages_next(requests, m)); i++) {
                errors[i] = answers[(how >> 1 & 3) == 3 ? i % ELEMENTSOF(answers) : how >> 1 & 3];
                bytes += NLMSG_ALIGN((size_t) m->nlmsg_len);
        }
        if (bytes != requests->size)
                abort();
        return 0;
}

int __wrap_netlink_request_one(struct nl_sock *sk, struct nl_msg *request) {
        return how & 16 ? -EBUSY : 0;
}

int __wrap_links_read_devices(const Links *links, NetworkInterface **ret, size_t *ret_n) {
        *ret = NULL;
        *ret_n = 0;
        return 0;
}

int __wrap_ethtool_restore(int fd, const char *name, EthtoolSetting setting, const EthtoolValue *wanted) {
        return ethtool_value_is_sound(setting, wanted) || wanted->size == 0 ? 0 : (abort(), 0);
}

int __wrap_sysctl_restore(const char *name, const char *sysctl) {
        return sysctl_is_sound(sysctl) ? 0 : (abort(), 0);
}

int __wrap_sysctls_read(const char *name, char ***ret, size_t *ret_n) {
        *ret = NULL;
        *ret_n = 0;
        return 0;
}

int __wrap_tun_make(const Link *then, unsigned index) {
        return how & 16 ? -EBUSY : 0;
}

int __wrap_tun_adjust(const Link *then) {
        return 0;
}

/* the input */

static bool is_even(const Link *link, const void *userdata) {
        return (how & 8) || link->index % 2 == 0;
}

static void reconcile(const Network *wanted, NetworkPass pass) {
        NetworkOutcome outcome;

        if (network_reconcile(wanted, 5000000, pass, &outcome) >= 0)
                network_outcome_done(&outcome);
}

/* What is kept is part of what there was, and can be put back. */
static void select_and_reconcile(Network *network) {
        static const char *const names[] = { "a", "br0", NULL };
        _cleanup_json_ json_object *omitted = json_object_new_array();
        size_t before[_NETWORK_TABLE_MAX];

        for (NetworkTable table = 0; table < _NETWORK_TABLE_MAX; table++)
                before[table] = network->tables[table].size;
        if (network_select(network, how & 0x20 ? names : NULL, omitted) < 0)
                abort();
        for (NetworkTable table = 0; table < _NETWORK_TABLE_MAX; table++)
                if (network->tables[table].size > before[table] || !messages_are_of(&network->tables[table], table))
                        abort();
        reconcile(network, NETWORK_PASS_FIRST);
        reconcile(network, NETWORK_PASS_LATER);
}

static void try_network(json_object *o) {
        _cleanup_(network_freep) Network *network = NULL, *again = NULL;
        _cleanup_json_ json_object *back = NULL;
        _cleanup_free_ char *why = NULL;

        if (network_from_json(o, &network) < 0)
                return;
        back = network_to_json(network);
        if (!back || network_from_json(back, &again) < 0)
                abort();
        present = network;
        (void) network_restore_based(network, is_even, NULL, NULL, &why);
        if (how & 0x40) { /* unselected, as a manifest may have it */
                reconcile(network, NETWORK_PASS_FIRST);
                return;
        }
        present = again;
        select_and_reconcile(network);
}

static void try_text(const uint8_t *data, size_t size) {
        _cleanup_json_ json_object *o = NULL;

        if (json_parse_object((const char *) data, size, &o) >= 0)
                try_network(o);
}

/* Tables, each behind its length in two bytes. */
static void try_tables(const uint8_t *data, size_t size) {
        static const char *const names[] = { "links", "addresses", "nexthops", "routes", "neighbours", "fdb",
                                             "vlans", "mdb", "rules", "qdiscs", "filters" };
        _cleanup_json_ json_object *o = json_object_new_object();

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                size_t length = size < 2 ? 0 : (size_t) data[0] << 8 | data[1], n = 0;
                _cleanup_free_ char *text = NULL;

                data += size < 2 ? size : 2;
                size -= size < 2 ? size : 2;
                if (length > size)
                        length = size;
                text = calloc(length * 2 + 1, 1);
                for (; text && n < length; n++)
                        (void) snprintf(text + n * 2, 3, "%02x", data[n]);
                data += length;
                size -= length;
                if (!text || json_add_string(o, names[i], text) < 0)
                        return;
        }
        if (json_add_u64(o, "capturedUSec", 1) >= 0 && json_add(o, "interfaces", json_object_new_array()) >= 0)
                try_network(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        if (size == 0)
                return 0;
        how = data[0];
        if (how & 0x80)
                try_text(data + 1, size - 1);
        else
                try_tables(data + 1, size - 1);
        return 0;
}
