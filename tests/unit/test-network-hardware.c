/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Interfaces of devices: known again by the device, with what the hardware is set to. Interfaces of the kernel's own
 * play them, to which the test gives devices. */

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "basic/json.h"
#include "network-snapshot.h"

static struct {
        unsigned index;
        const char *device;
        unsigned port;
} devices[4];

int __wrap_links_read_devices(const Links *links, NetworkInterface **ret, size_t *ret_n);

int __wrap_links_read_devices(const Links *links, NetworkInterface **ret, size_t *ret_n) {
        *ret = calloc(links->n + 1, sizeof(**ret));
        *ret_n = 0;
        for (size_t i = 0; i < links->n; i++)
                for (size_t j = 0; j < ELEMENTSOF(devices); j++)
                        if (devices[j].index == links->items[i].index)
                                (*ret)[(*ret_n)++] = (NetworkInterface) {
                                        .index = links->items[i].index, .device = strdup(devices[j].device),
                                        .port = devices[j].port,
                                };
        return 0;
}

static void device_set(size_t i, const char *name, const char *device, unsigned port) {
        devices[i].index = index_of(name);
        devices[i].device = device;
        devices[i].port = port;
}

/* By way of JSON, as a successor would. */
static Network *capture_by_json(void) {
        _cleanup_(network_freep) Network *network = capture();
        _cleanup_json_ json_object *o = NULL, *parsed = NULL;
        const char *text;
        Network *again;

        o = network_to_json(network);
        ck_assert_ptr_nonnull(o);
        text = json_object_to_json_string(o);
        ck_assert_int_eq(json_parse_object(text, strlen(text), &parsed), 0);
        ck_assert_int_eq(network_from_json(parsed, &again), 0);
        return again;
}

static void restore_device(const Network *captured, const char *device) {
        const char *const list[] = { "0000:ff:1f.7", device, NULL };
        _cleanup_free_ char *why = NULL;
        int r = network_restore(captured, list, &why);

        ck_assert_msg(r == 0, "%i: %s", r, why);
}

static EthtoolValue value_of(const char *name, EthtoolSetting setting) {
        EthtoolValue values[_SETTING_MAX];

        ethtool_read(nl_socket_get_fd(kernel), name, values);
        return values[setting];
}

static void check_value(const char *name, EthtoolSetting setting, const EthtoolValue *value) {
        EthtoolValue now = value_of(name, setting);

        ck_assert_uint_eq(now.size, value->size);
        ck_assert_mem_eq(now.bytes, value->bytes, value->size);
}

static void set_old(const char *name, uint32_t command, uint32_t data) {
        struct ethtool_value value = { .cmd = command, .data = data };
        struct ifreq request = { .ifr_data = (char *) &value };

        (void) snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
        ck_assert_int_eq(ioctl(nl_socket_get_fd(kernel), SIOCETHTOOL, &request), 0);
}

START_TEST(puts_offloads_back) {
        _cleanup_(network_freep) Network *captured = NULL;
        _cleanup_free_ char *why = NULL;
        EthtoolValue features;

        if (!network_begin(false))
                return;
        link_new_wired("a");
        device_set(0, "a", "0000:00:02.0", 0);
        set_old("a", ETHTOOL_SGRO, 1);
        set_old("a", ETHTOOL_STSO, 0);
        features = value_of("a", SETTING_FEATURES);
        ck_assert_uint_gt(features.size, sizeof(struct ethtool_gfeatures));
        captured = capture_by_json();

        set_old("a", ETHTOOL_SGRO, 0);
        set_old("a", ETHTOOL_STSO, 1);
        ck_assert_mem_ne(value_of("a", SETTING_FEATURES).bytes, features.bytes, features.size);
        restore_device(captured, "0000:00:02.0");
        check_value("a", SETTING_FEATURES, &features);

        link_delete("a");
        link_new_wired("a");
        device_set(0, "a", "0000:00:02.0", 0);
        set_old("a", ETHTOOL_SGRO, 0);
        restore_device(captured, "0000:00:02.0");
        check_value("a", SETTING_FEATURES, &features);

        link_delete("a");
        ck_assert_int_eq(network_restore(captured, (const char *const[]) { "0000:00:02.0", NULL }, &why), -ENODEV);
        ck_assert_str_eq(why, "The interface a of 0000:00:02.0 is gone.");
        network_end();
}
END_TEST

START_TEST(reads_what_the_driver_knows) {
        EthtoolValue values[_SETTING_MAX];

        if (!network_begin(false))
                return;
        ethtool_read(nl_socket_get_fd(kernel), "lo", values);
        ck_assert_uint_eq(values[SETTING_RINGS].size, 0);
        ck_assert_uint_eq(values[SETTING_PAUSE].size, 0);
        ck_assert_uint_eq(values[SETTING_WAKE_ON_LAN].size, 0);
        for (EthtoolSetting setting = 0; setting < _SETTING_MAX; setting++)
                ck_assert(values[setting].size == 0 || ethtool_value_is_sound(setting, &values[setting]));
        for (EthtoolSetting setting = 0; setting < _SETTING_MAX; setting++) /* nothing of it is otherwise */
                ck_assert_int_eq(ethtool_restore(nl_socket_get_fd(kernel), "lo", setting, &values[setting]), 0);
        ethtool_read(nl_socket_get_fd(kernel), "nobody", values);
        for (EthtoolSetting setting = 0; setting < _SETTING_MAX; setting++)
                ck_assert_uint_eq(values[setting].size, 0);
        network_end();
}
END_TEST

static EthtoolValue pause_of(uint32_t autoneg, uint32_t receives, uint32_t sends) {
        struct ethtool_pauseparam pause = {
                .cmd = ETHTOOL_GPAUSEPARAM, .autoneg = autoneg, .rx_pause = receives, .tx_pause = sends,
        };
        EthtoolValue value = { .size = sizeof(pause) };

        memcpy(value.bytes, &pause, sizeof(pause));
        return value;
}

/* What the other end agreed to is not asked for as if it had been set: e1000_set_pauseparam() begins anew then. */
START_TEST(negotiated_pause_frames_are_not_set) {
        EthtoolValue agreed = pause_of(1, 1, 0), none = pause_of(1, 0, 0), set = pause_of(0, 1, 0);
        EthtoolValue other = pause_of(0, 0, 0);

        ck_assert(ethtool_value_is_same(SETTING_PAUSE, &agreed, &none));
        ck_assert(!ethtool_value_is_same(SETTING_PAUSE, &agreed, &set));
        ck_assert(!ethtool_value_is_same(SETTING_PAUSE, &set, &agreed));
        ck_assert(!ethtool_value_is_same(SETTING_PAUSE, &set, &other));
        ck_assert(ethtool_value_is_same(SETTING_PAUSE, &set, &set));
}
END_TEST

/* `sysctl` as in "ipv4/neigh", "gc_stale_time". */
static char *sysctl_path(const char *name, const char *directory, const char *sysctl) {
        char *path;

        ck_assert_int_gt(asprintf(&path, "/proc/sys/net/%s/%s/%s", directory, name, sysctl), 0);
        return path;
}

static int write_sysctl(const char *name, const char *directory, const char *sysctl, const char *value) {
        _cleanup_free_ char *path = sysctl_path(name, directory, sysctl);

        return write_file(path, value);
}

static void check_sysctl(const char *name, const char *directory, const char *sysctl, const char *expected) {
        _cleanup_free_ char *path = sysctl_path(name, directory, sysctl), *text = NULL;

        ck_assert_int_eq(read_file_at(AT_FDCWD, path, 64, &text, NULL), 0);
        ck_assert_str_eq(text, expected);
}


START_TEST(knows_a_device_again_by_another_name) {
        _cleanup_(network_freep) Network *captured = NULL;
        Lines before;

        if (!network_begin(false))
                return;
        link_new_wired("a");
        link_new_wired("b");
        device_set(0, "a", "0000:00:02.0", 0);
        device_set(1, "b", "0000:00:02.0", 1);
        if (write_sysctl("a", "ipv4/conf", "rp_filter", "2") < 0) {
                printf("# SKIP: /proc/sys cannot be written to here\n");
                return;
        }
        ck_assert_int_eq(write_sysctl("a", "ipv4/neigh", "gc_stale_time", "77"), 0);
        ck_assert_int_eq(write_sysctl("a", "ipv6/conf", "accept_ra", "0"), 0);
        address_new("a", "10.1.0.1", 24, 0, 0, 0);
        address_new("b", "10.2.0.1", 24, 0, 0, 0);
        route_new(.to = "10.3.0.0", .length = 24, .gateway = "10.1.0.9");
        before = snapshot_settled();
        captured = capture_by_json();

        /* Both come back, each by the other's name. */
        link_delete("a");
        link_delete("b");
        link_new_wired("b");
        link_new_wired("a");
        device_set(0, "b", "0000:00:02.0", 0);
        device_set(1, "a", "0000:00:02.0", 1);
        ck_assert_int_eq(network_restore(captured, (const char *const[]) { "0000:00:03.0", NULL }, NULL), 0);
        ck_assert_uint_gt(count_lost(&before), 10); /* it is another's */

        restore_device(captured, "0000:00:02.0");
        check_same_of(&before, "a");
        check_same_of(&before, "b");
        ck_assert_uint_eq(index_of("a"), devices[0].index);
        ck_assert_uint_eq(index_of("b"), devices[1].index);
        check_sysctl("a", "ipv4/conf", "rp_filter", "2\n");
        check_sysctl("a", "ipv4/neigh", "gc_stale_time", "77\n");
        check_sysctl("a", "ipv6/conf", "accept_ra", "0\n");
        check_sysctl("b", "ipv4/conf", "rp_filter", "0\n");
        network_end();
        lines_clear(&before);
}
END_TEST

UNIT_MAIN("network-hardware", puts_offloads_back, reads_what_the_driver_knows, negotiated_pause_frames_are_not_set,
                knows_a_device_again_by_another_name)
