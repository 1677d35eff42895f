/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "drain/drain-internal.h"
#include "unit.h"

static PolicyRule rule(const char *text) {
        PolicyRule parsed;

        ck_assert_msg(policy_rule_parse(text, &parsed) == 0, "%s", text);
        return parsed;
}

START_TEST(reads_and_writes_rules) {
        static const char *const texts[] = {
                "class:02=quiet", "class:0108=unbind", "class:010802=master-off", "driver:nvme=keep",
                "driver:mlx5_core=reset", "driver:vfio-pci=preserve", "address:0000:00:02.0=quiet",
                "address:10000:e1:1f.7=keep",
        };

        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                PolicyRule parsed = rule(texts[i]);
                char text[64];

                ck_assert_int_eq(policy_rule_format(&parsed, text, sizeof(text)), 0);
                ck_assert_str_eq(text, texts[i]);
                ck_assert_int_eq(policy_rule_format(&parsed, text, strlen(texts[i])), -ENOSPC);
        }
        ck_assert_str_eq(rule("class:0C03=keep").what, "0c03");
        ck_assert_str_eq(rule("address:0000:0A:1F.0=keep").what, "0000:0a:1f.0");
        ck_assert_str_eq(rule("driver:Upper=keep").what, "Upper");
}
END_TEST

START_TEST(refuses_other_rules) {
        static const char *const texts[] = {
                "", "=", "=keep", "keep", "class", "class:", "class:=keep", "class:2=keep", "class:020=keep",
                "class:0200000=keep", "class:zz=keep", "class:02", "class:02=", "class:02=Keep", "class:02=keep ",
                "class:02=quiet=keep", "class=keep", "driver:=keep", "driver:..=keep", "driver:a/b=keep",
                "driver:a b=keep", "driver:a=b=keep", "driver:" "0123456789012345678901234567890123456789" "=keep",
                "address:00:02.0=keep", "address:0000:00:02=keep", "address:0000:00:02.8=keep",
                "address:0000:00:2.0=keep", "address:0000:00:02.0.0=keep", "address:0000000000:00:02.0=keep",
                " class:02=keep", "Class:02=keep", "id:8086=keep",
        };

        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                PolicyRule parsed;

                ck_assert_msg(policy_rule_parse(texts[i], &parsed) == -EINVAL, "%s", texts[i]);
        }
}
END_TEST

START_TEST(knows_policies_by_name) {
        for (DevicePolicy policy = 0; policy < _POLICY_MAX; policy++)
                ck_assert_int_eq(policy_from_string(policy_to_string(policy)), (int) policy);
        ck_assert_int_eq(policy_from_string("master_off"), -EINVAL);
        ck_assert_int_eq(policy_from_string(""), -EINVAL);
}
END_TEST

static char nvme_name[] = "nvme", nic_name[] = "e1000e", vfio_name[] = "vfio-pci", ice_name[] = "ice",
            virtio_name[] = "virtio-pci",
            usb_name[] = "xhci_hcd", address[] = "0000:00:02.0", disk[] = "nvme0n1", mount[] = "/srv",
            upper[] = "bond0", eth[] = "eth0";
static char *disks[] = { disk, NULL }, *mounts[] = { mount, NULL }, *uppers[] = { upper, NULL }, *nothing[] = { NULL };
static DeviceUser vfio_user = { .use = USE_VFIO, .vfio_fd = 3 }, disk_user = { .use = USE_BLOCK, .vfio_fd = -1 };
static DeviceInterface plain = { .name = eth, .is_up = true, .uppers = nothing };
static DeviceInterface bare = { .name = eth, .is_up = true };
static DeviceInterface down = { .name = eth };
static DeviceInterface slave = { .name = eth, .is_up = true, .uppers = uppers };

static Device function(uint32_t class_code, char *driver) {
        bool is_network = class_code >> 16 == 2 && driver && driver != vfio_name;

        return (Device) { .bus = BUS_PCI, .address = address, .class_code = class_code, .driver = driver,
                .can_reset = true, .is_bridge = class_code >> 16 == 6, .interfaces = is_network ? &down : NULL,
                .n_interfaces = is_network };
}

static PolicyFacts facts;

static PolicyDecision decide(const Device *device, const char *text) {
        PolicyDecision decision;
        PolicyRule one = {};

        if (text)
                one = rule(text);
        policy_decide(device, &one, text ? 1 : 0, &facts, &decision);
        ck_assert_str_eq(decision.origin, text ?: "default");
        return decision;
}

static void expect(const Device *device, const char *text, DevicePolicy policy, const char *note) {
        PolicyDecision decision = decide(device, text);

        ck_assert_msg(decision.policy == policy, "%s: %s, not %s", text ?: "default",
                        policy_to_string(decision.policy), policy_to_string(policy));
        ck_assert_msg(!note == !decision.note && (!note || strstr(decision.note, note)), "%s", decision.note ?: "-");
}

START_TEST(has_defaults) {
        Device device;

        device = function(0x020000, nic_name);
        expect(&device, NULL, POLICY_QUIET, NULL);
        device = function(0x028000, nic_name);
        expect(&device, NULL, POLICY_QUIET, NULL);
        device = function(0x010802, nvme_name);
        expect(&device, NULL, POLICY_UNBIND, NULL);
        device = function(0x020000, ice_name);
        expect(&device, NULL, POLICY_UNBIND, NULL);
        device = function(0x010601, nvme_name); /* SATA */
        expect(&device, NULL, POLICY_KEEP, NULL);
        device = function(0x060400, NULL);
        expect(&device, NULL, POLICY_KEEP, NULL);
        device = function(0x030000, NULL);
        expect(&device, NULL, POLICY_KEEP, NULL);
        device = function(0x0c0330, usb_name);
        expect(&device, NULL, POLICY_KEEP, NULL);
        device = function(0x0c0330, NULL);
        expect(&device, NULL, POLICY_MASTER_OFF, NULL);
        device = function(0x020000, virtio_name);
        expect(&device, NULL, POLICY_KEEP, NULL);
        device = function(0x030000, vfio_name);
        expect(&device, NULL, POLICY_MASTER_OFF, NULL);
        device.users = &vfio_user;
        device.n_users = 1;
        expect(&device, NULL, POLICY_PRESERVE, NULL);
        device = (Device) { .bus = BUS_PLATFORM, .address = address };
        expect(&device, NULL, POLICY_KEEP, NULL);
}
END_TEST

/* One whose driver wants its device to answer when the kernel shuts it down. */
START_TEST(leaves_bus_mastering_to_who_needs_it) {
        static char *const names[] = { nvme_name, ice_name, usb_name };
        static const char *const light[] = { "e1000", "e1000e", "igb", "igbvf", "igc" };

        for (size_t i = 0; i < 3; i++) {
                Device device = function(0x020000, names[i]);

                expect(&device, "class:02=quiet", POLICY_KEEP, "shuts it down");
                expect(&device, "class:02=master-off", POLICY_KEEP, "shuts it down");
                expect(&device, "class:02=unbind", POLICY_UNBIND, NULL);
                expect(&device, "class:02=reset", POLICY_RESET, NULL);
                device.users = &disk_user;
                device.n_users = 1;
                expect(&device, "class:02=unbind", POLICY_KEEP, "open");
                expect(&device, "class:02=reset", POLICY_KEEP, "open");
        }
        for (size_t i = 0; i < 5; i++) {
                Device device = function(0x020000, (char *) light[i]);

                expect(&device, NULL, POLICY_QUIET, NULL);
                facts.is_needed = true;
                expect(&device, NULL, POLICY_QUIET, NULL);
                facts.is_needed = false;
                expect(&device, "class:02=master-off", POLICY_MASTER_OFF, NULL);
        }
}
END_TEST

START_TEST(unbinds_what_nobody_would_miss) {
        Device device = function(0x010802, nvme_name);

        device.blocks = disks;
        expect(&device, NULL, POLICY_UNBIND, NULL);
        facts.is_needed = true;
        expect(&device, NULL, POLICY_KEEP, NULL);
        facts.is_needed = false;
        facts.is_claimed = true;
        expect(&device, NULL, POLICY_KEEP, NULL);
        expect(&device, "class:01=unbind", POLICY_KEEP, "part of others");
        expect(&device, "class:01=reset", POLICY_KEEP, "part of others");
        device.driver = nic_name;
        expect(&device, "class:01=unbind", POLICY_KEEP, "part of others");
        device.driver = nvme_name;
        facts.is_claimed = false;
        device.mounts = mounts;
        expect(&device, NULL, POLICY_KEEP, NULL);
        device.mounts = nothing;
        device.users = &disk_user;
        device.n_users = 1;
        expect(&device, NULL, POLICY_KEEP, NULL);
        device = function(0x020000, ice_name);
        device.n_virtual = 1;
        expect(&device, NULL, POLICY_KEEP, NULL);
        device.n_virtual = 0;
        device.interfaces = &slave;
        device.n_interfaces = 1;
        expect(&device, NULL, POLICY_KEEP, NULL);
        device.interfaces = &down;
        expect(&device, NULL, POLICY_UNBIND, NULL);
        device.interfaces = &plain; /* it may have settings of tc and XDP */
        expect(&device, NULL, POLICY_KEEP, NULL);
        expect(&device, "class:02=unbind", POLICY_UNBIND, NULL);
}
END_TEST

START_TEST(leaves_the_way_to_what_is_mounted) {
        static char *const names[] = { ice_name, nic_name };

        for (size_t i = 0; i < 2; i++) {
                Device device = function(0x020000, names[i]);

                device.has_network_disk = true;
                device.interfaces = &plain;
                ck_assert_int_eq(decide(&device, NULL).policy, POLICY_KEEP);
                for (DevicePolicy policy = POLICY_QUIET; policy < POLICY_PRESERVE; policy++) {
                        char text[64];

                        snprintf(text, sizeof(text), "class:02=%s", policy_to_string(policy));
                        expect(&device, text, POLICY_KEEP, "a mounted file system is reached through it");
                }
                /* Nothing freezes NFS. */
                device.has_network_disk = false;
                device.has_network_mount = true;
                expect(&device, "class:02=unbind", POLICY_UNBIND, NULL);
                ck_assert_int_eq(policy_round(&(Inventory){}, &device, POLICY_UNBIND), DRAIN_ROUND_LATE);
                device.has_network_mount = false;
                ck_assert_int_eq(policy_round(&(Inventory){}, &device, POLICY_UNBIND), DRAIN_ROUND_EARLY);
                ck_assert_int_eq(policy_round(&(Inventory){}, &device, POLICY_KEEP), -1);
        }
}
END_TEST

START_TEST(leaves_what_is_in_another_namespace) {
        Device device = function(0x020000, nic_name);

        device.n_interfaces = 0;
        expect(&device, NULL, POLICY_KEEP, "network namespace");
        for (DevicePolicy policy = POLICY_QUIET; policy < POLICY_PRESERVE; policy++) {
                char text[64];

                snprintf(text, sizeof(text), "class:02=%s", policy_to_string(policy));
                expect(&device, text, POLICY_KEEP, "network namespace");
        }
        facts.is_newcomer = true;
        expect(&device, NULL, POLICY_QUIET, NULL);
        facts.is_newcomer = false;
        device.driver = vfio_name;
        expect(&device, NULL, POLICY_MASTER_OFF, NULL);
        device.driver = NULL;
        expect(&device, NULL, POLICY_MASTER_OFF, NULL);
        device = function(0x010802, nvme_name);
        expect(&device, NULL, POLICY_UNBIND, NULL);
}
END_TEST

START_TEST(lets_the_nearest_rule_decide) {
        static const struct {
                const char *rules[3];
                DevicePolicy policy;
        } cases[] = {
                { { "class:01=keep", "class:0108=unbind" }, POLICY_UNBIND },
                { { "class:010802=unbind", "class:0108=keep", "class:01=reset" }, POLICY_UNBIND },
                { { "driver:e1000e=unbind", "class:010802=keep" }, POLICY_UNBIND },
                { { "address:0000:00:02.0=unbind", "driver:e1000e=keep", "class:010802=reset" }, POLICY_UNBIND },
                { { "driver:e1000e=keep", "driver:e1000e=unbind" }, POLICY_UNBIND },
                { { "class:02=unbind", "driver:nvm=unbind", "address:0000:00:02.1=unbind" }, POLICY_QUIET },
        };
        Device device = function(0x010802, nic_name);

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                PolicyDecision decision;
                PolicyRule rules[3];
                size_t n = 0;

                for (; n < 3 && cases[i].rules[n]; n++)
                        rules[n] = rule(cases[i].rules[n]);
                policy_decide(&device, rules, n, &facts, &decision);
                ck_assert_msg(decision.policy == cases[i].policy, "%zu: %s", i, policy_to_string(decision.policy));
        }
}
END_TEST

START_TEST(never_touches_what_the_host_stands_on) {
        Device device = function(0x010802, nvme_name);

        device.has_root = true;
        expect(&device, NULL, POLICY_KEEP, NULL);
        expect(&device, "driver:nvme=preserve", POLICY_KEEP, "VFIO");
        for (DevicePolicy policy = POLICY_QUIET; policy < POLICY_PRESERVE; policy++) {
                char text[64];

                snprintf(text, sizeof(text), "driver:nvme=%s", policy_to_string(policy));
                expect(&device, text, POLICY_KEEP, "root");
        }
        device.has_root = false;
        device.has_swap = true;
        expect(&device, "class:01=unbind", POLICY_KEEP, "swap");
        expect(&device, "class:01=keep", POLICY_KEEP, NULL);
        device = function(0x060400, nic_name);
        expect(&device, "class:06=unbind", POLICY_KEEP, "bridge");
        device = (Device) { .bus = BUS_PLATFORM, .address = address, .driver = usb_name };
        expect(&device, "driver:xhci_hcd=unbind", POLICY_KEEP, "PCI");
        ck_assert_int_eq(decide(&device, NULL).policy, POLICY_KEEP);
}
END_TEST

/* A driver of registers alone has disks where they are behind its interfaces (Fibre Channel over Ethernet). */
START_TEST(leaves_what_is_mounted_to_the_kernel) {
        static char *const names[] = { nvme_name, nic_name };

        for (size_t i = 0; i < 2; i++) {
                Device device = function(0x010802, names[i]);

                device.blocks = disks;
                device.mounts = mounts;
                ck_assert_int_eq(decide(&device, NULL).policy, POLICY_KEEP);
                ck_assert_int_eq(decide(&device, "class:01=preserve").policy, POLICY_KEEP);
                expect(&device, "class:01=keep", POLICY_KEEP, NULL);
                for (DevicePolicy policy = POLICY_QUIET; policy < POLICY_PRESERVE; policy++) {
                        char text[64];

                        snprintf(text, sizeof(text), "class:01=%s", policy_to_string(policy));
                        expect(&device, text, POLICY_KEEP, "mounted");
                }
        }
}
END_TEST

START_TEST(does_nothing_that_would_not_come_back) {
        static const char *const lossy[] = { "class:02=unbind", "class:02=reset" };

        for (size_t i = 0; i < 2; i++) {
                Device device = function(0x020000, nic_name);

                device.n_virtual = 2;
                expect(&device, lossy[i], POLICY_QUIET, "virtual functions");
                device.n_virtual = 0;
                device.interfaces = &slave;
                device.n_interfaces = 1;
                expect(&device, lossy[i], POLICY_QUIET, "interfaces");
                device.interfaces = _i == 0 ? &plain : &bare;
                expect(&device, lossy[i], i == 0 ? POLICY_UNBIND : POLICY_RESET, NULL);
                device.users = &disk_user;
                device.n_users = 1;
                expect(&device, lossy[i], POLICY_QUIET, "open");
        }
}
END_TEST

START_TEST(does_what_comes_nearest) {
        Device device = function(0x020000, nic_name);

        expect(&device, "class:02=preserve", POLICY_QUIET, "VFIO");
        device.can_reset = false;
        expect(&device, "class:02=reset", POLICY_UNBIND, "reset");
        device.interfaces = &plain;
        device.n_interfaces = 1;
        expect(&device, "class:02=master-off", POLICY_QUIET, "up");
        device.interfaces = &down;
        expect(&device, "class:02=master-off", POLICY_MASTER_OFF, NULL);

        device = function(0x020000, NULL);
        expect(&device, "class:02=quiet", POLICY_MASTER_OFF, "driver");
        expect(&device, "class:02=unbind", POLICY_MASTER_OFF, "driver");
        expect(&device, "class:02=keep", POLICY_KEEP, NULL);
        device.can_reset = false;
        expect(&device, "class:02=reset", POLICY_MASTER_OFF, "reset");

        device = function(0x020000, virtio_name);
        expect(&device, "driver:virtio-pci=quiet", POLICY_KEEP, "driver");
        expect(&device, "driver:virtio-pci=master-off", POLICY_KEEP, "driver");
        expect(&device, "driver:virtio-pci=reset", POLICY_RESET, NULL);
        expect(&device, "driver:virtio-pci=unbind", POLICY_UNBIND, NULL);
        device.interfaces = &slave;
        device.n_interfaces = 1;
        expect(&device, "driver:virtio-pci=unbind", POLICY_KEEP, "driver");

        device = function(0x020000, vfio_name);
        device.users = &vfio_user;
        device.n_users = 1;
        expect(&device, "driver:vfio-pci=unbind", POLICY_RESET, "VFIO");
        device.can_reset = false;
        expect(&device, "driver:vfio-pci=unbind", POLICY_MASTER_OFF, "reset");
        expect(&device, "driver:vfio-pci=preserve", POLICY_PRESERVE, NULL);
}
END_TEST

START_TEST(knows_what_lockdown_forbids) {
        Device device = function(0x0c0330, NULL);
        PolicyDecision decision;

        facts.is_locked = true;
        policy_decide(&device, NULL, 0, &facts, &decision);
        ck_assert_int_eq(decision.policy, POLICY_KEEP);
        ck_assert_ptr_nonnull(strstr(decision.note, "locked down"));
        device = function(0x020000, nic_name);
        policy_decide(&device, NULL, 0, &facts, &decision);
        ck_assert_int_eq(decision.policy, POLICY_QUIET);
        ck_assert_ptr_null(decision.note);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("policy");
        TCase *cases = tcase_create("policy");

        tcase_add_test(cases, reads_and_writes_rules);
        tcase_add_test(cases, refuses_other_rules);
        tcase_add_test(cases, knows_policies_by_name);
        tcase_add_test(cases, has_defaults);
        tcase_add_test(cases, leaves_bus_mastering_to_who_needs_it);
        tcase_add_test(cases, unbinds_what_nobody_would_miss);
        tcase_add_test(cases, leaves_the_way_to_what_is_mounted);
        tcase_add_test(cases, leaves_what_is_in_another_namespace);
        tcase_add_test(cases, lets_the_nearest_rule_decide);
        tcase_add_test(cases, never_touches_what_the_host_stands_on);
        tcase_add_test(cases, leaves_what_is_mounted_to_the_kernel);
        tcase_add_loop_test(cases, does_nothing_that_would_not_come_back, 0, 2);
        tcase_add_test(cases, does_what_comes_nearest);
        tcase_add_test(cases, knows_what_lockdown_forbids);
        suite_add_tcase(suite, cases);
        return unit_run(suite);
}
