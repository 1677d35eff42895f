/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "inventory-processes.h"

#define BOND "virtual/net/bond0"
#define BRIDGE "virtual/net/br0"
#define TAP "virtual/net/tap0"

static const char *const use_names[] = { "vfio", "interface", "block", "character" };

/* Who uses what: "ADDRESS'S LAST FOUR=USE/PID " for each, in order. Reads the inventory of it. */
static void assert_uses(const char *expected) {
        _cleanup_(inventory_freep) Inventory *inventory = read_with(&workload, 1);
        char found[512] = "";

        for (size_t i = 0; i < inventory->n; i++) {
                const Device *device = &inventory->devices[i];
                bool is_of_workload = false;

                for (size_t j = 0; j < device->n_users; j++) {
                        const DeviceUser *user = &device->users[j];

                        strcat(found, text("%s=%s/%i ", device->address + 8, use_names[user->use], user->pid));
                        ck_assert(!!user->workload == (user->pid == WORKLOAD_PID));
                        ck_assert_str_eq(user->comm, user->workload ? "qemu-system-x86" : "spdk_tgt");
                        is_of_workload |= !!user->workload;
                }
                ck_assert_int_eq(device_is_needed(inventory, device), is_of_workload || device->has_network_mount);
        }
        ck_assert_str_eq(found, expected);
}

START_TEST(sees_nothing_where_nothing_is_open) {
        TEMPORARY_ROOT();

        put_host();
        put_fd(WORKLOAD_PID, 0, "pipe:[3]", NULL);
        put_fd(WORKLOAD_PID, 3, "anon_inode:kvm-vm", NULL);
        put_fd(WORKLOAD_PID, 4, "/memfd:ram (deleted)", "mnt_id:\t9\n");
        put_fd(WORKLOAD_PID, 5, "socket:[2]", NULL);
        put_fd(WORKLOAD_PID, 6, "/closed", NULL);
        put_fd(WORKLOAD_PID, 7, "/dev/vfio/vfio", NULL);
        put_fd(OTHER_PID, 3, "/dev/nvme0n1", NULL); /* it is no workload */
        put_fd(OTHER_PID, 4, "socket:[1]", NULL);
        assert_uses("");
}
END_TEST

/* A tap in a bridge with a bond of both NICs. */
static void put_bond(void) {
        put_host();
        put_netdev(BOND, 10, true);
        put_netdev(BRIDGE, 11, true);
        put_netdev(TAP, 12, true);
        root_put("/sys/devices/" TAP "/tun_flags", "0x1002\n");
        put_upper(NIC "/net/eth0", BOND);
        put_upper(NIC2 "/net/eth1", BOND);
        put_upper(BOND, BRIDGE);
        put_upper(TAP, BRIDGE);
        put_fd(WORKLOAD_PID, 30, "/dev/net/tun", "pos:\t0\niff:\ttap0\n");
}

START_TEST(follows_a_tap_to_both_of_a_bond) {
        TEMPORARY_ROOT();
        _cleanup_(inventory_freep) Inventory *inventory = NULL;

        put_bond();
        assert_uses("02.0=interface/100 03.0=interface/100 ");
        inventory = read_with(&workload, 1);
        ck_assert_str_eq(joined(get(inventory, "0000:00:02.0")->interfaces[0].uppers), "bond0 br0 ");
}
END_TEST

START_TEST(follows_a_tap_to_one_of_two_nics) {
        TEMPORARY_ROOT();

        put_host();
        put_netdev(BRIDGE, 11, true);
        put_netdev(TAP, 12, true);
        root_put("/sys/devices/" TAP "/tun_flags", "0x1002\n");
        put_upper(NIC2 "/net/eth1", BRIDGE);
        put_upper(TAP, BRIDGE);
        put_fd(WORKLOAD_PID, 30, "/dev/net/tun", "iff:\ttap0\n");
        assert_uses("03.0=interface/100 ");
        /* and where a bridge leads on to elsewhere */
        put_netdev("virtual/net/veth0", 13, true);
        put_upper("virtual/net/veth0", BRIDGE);
        assert_uses("02.0=interface/100 03.0=interface/100 ");
}
END_TEST

START_TEST(counts_all_that_are_up_for_a_tap_that_is_routed) {
        TEMPORARY_ROOT();

        put_host();
        put_netdev(TAP, 12, true);
        put_fd(WORKLOAD_PID, 30, "/dev/net/tun", "iff:\ttap0\n");
        put_netdev(NIC2 "/net/eth2", 4, false);
        assert_uses("02.0=interface/100 03.0=interface/100 ");
        root_put("/sys/devices/" NIC2 "/net/eth1/flags", "0x1002\n");
        assert_uses("02.0=interface/100 ");
        root_put("/proc/100/fdinfo/30", "iff:\t\n"); /* attached to nothing */
        assert_uses("");
        root_put("/proc/100/fdinfo/30", "iff:\tgone0\n");
        assert_uses("02.0=interface/100 ");
}
END_TEST

START_TEST(does_not_trust_names_of_another_network_namespace) {
        TEMPORARY_ROOT();

        put_bond();
        put_function(ROOT_BUS "0000:00:08.0", 0x020000, "igb"); /* its interface is somewhere else, too */
        assert_uses("02.0=interface/100 03.0=interface/100 ");
        ck_assert_int_eq(unlink(root_path("/proc/100/ns/net")), 0);
        root_link("net:[2]", "/proc/100/ns/net");
        assert_uses("02.0=interface/100 03.0=interface/100 08.0=interface/100 ");
}
END_TEST

START_TEST(follows_a_macvtap) {
        TEMPORARY_ROOT();

        put_host();
        put_netdev("virtual/net/macvtap0", 12, true);
        put_upper(NIC2 "/net/eth1", "virtual/net/macvtap0");
        sysfs_link("virtual/net/macvtap0/macvtap/tap5", "/sys/dev/char/240:5");
        put_fd(WORKLOAD_PID, 30, "/dev/tap5", NULL);
        assert_uses("03.0=interface/100 ");
}
END_TEST

START_TEST(counts_all_that_are_up_for_a_socket) {
        TEMPORARY_ROOT();

        put_host();
        put_fd(WORKLOAD_PID, 30, "socket:[1]", NULL);
        assert_uses("02.0=interface/100 03.0=interface/100 ");
}
END_TEST

START_TEST(knows_disks_and_files_on_them) {
        static const struct {
                const char *target, *fdinfo, *uses;
        } cases[] = {
                { "/dev/nvme0n1", NULL, "04.0=block/100 " },
                { "/jail/disk", NULL, "04.0=block/100 " }, /* a dm device by another name */
                { "/srv/disk.img", "mnt_id:\t40\n", "04.0=block/100 " },
                { "/srv/disk.img", "mnt_id:\t50\n", "04.0=block/100 " }, /* of its own mount namespace */
                { "/srv/disk.img", "mnt_id:\t41\n", "02.0=block/100 03.0=block/100 " }, /* NFS */
                { "/srv/disk.img", "mnt_id:\t42\n", "" },                               /* tmpfs */
                { "/detached/disk.img", "mnt_id:\t99\n", "04.0=block/100 " },
                { "/unknown", "mnt_id:\t99\n", "02.0=block/100 03.0=block/100 04.0=block/100 " },
                { "/dev/dri/card0", NULL, "07.0=character/100 " },
                { "/refused", NULL, "02.0=character/100 03.0=character/100 04.0=character/100 05.0=character/100 "
                                    "06.0=character/100 07.0=character/100 " },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                TEMPORARY_ROOT();

                put_host();
                put_mapped("dm-0", "254:0\n", "nvme0n1p1");
                root_put(SELF_MOUNTS, "1 1 0:2 / / rw - rootfs rootfs rw\n"
                                      "40 1 0:44 /@ /srv rw - btrfs /dev/nvme0n1p1 rw\n"
                                      "41 1 0:45 / /nfs rw - nfs server:/ rw\n"
                                      "42 1 0:46 / /tmp rw - tmpfs tmpfs rw\n");
                root_put("/proc/100/mountinfo", "50 1 259:1 / /private rw - ext4 /dev/nvme0n1p1 rw\n");
                put_fd(WORKLOAD_PID, 9, cases[i].target, cases[i].fdinfo);
                assert_uses(cases[i].uses);
        }
}
END_TEST

START_TEST(needs_what_is_mapped) {
        static const struct {
                const char *line, *uses;
        } cases[] = {
                { "7f00-7f01 r-xp 00000000 103:01 1234                     /usr/bin/qemu system\n", "04.0=block/100 " },
                { "7f00-7f01 r-xp 00000000 00:2c 1234                      /srv/lib.so\n", "04.0=block/100 " },
                { "7f00-7f01 rw-s 00000000 00:01 1234                      /memfd:ram (deleted)\n", "" },
                { "7f00-7f01 rw-s 00000000 00:01 1234                      / (deleted)\n", "" },
                { "7f00-7f01 rw-p 00000000 00:00 0 \n7f00-7f01 rw-p 00000000 00:00 0          [heap]\n", "" },
                { "7f00-7f01 rw-s 00000000 00:0e 17                        anon_inode:kvm-vcpu:0\n", "" },
                { "7f00-7f01 rw-s 00000000 00:66 17                        /somewhere\n",
                  "02.0=block/100 03.0=block/100 04.0=block/100 " },
                { "not a map\n\n", "" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                TEMPORARY_ROOT();

                put_host();
                root_put(SELF_MOUNTS, "1 1 0:2 / / rw - rootfs rootfs rw\n"
                                      "40 1 0:44 /@ /srv rw - btrfs /dev/nvme0n1p1 rw\n");
                root_put("/proc/100/maps", cases[i].line);
                assert_uses(cases[i].uses);
        }
}
END_TEST

START_TEST(passes_over_a_process_that_ends) {
        TEMPORARY_ROOT();

        put_host();
        ck_assert_int_eq(rmdir(root_path("/proc/100/fd")), 0);
        root_put("/proc/300/comm", "gone\n");
        put_fd(OTHER_PID, 21, "anon_inode:[vfio-device]", "vfio-device-syspath: /sys/devices/" VFIO2 "\n");
        assert_uses("06.0=vfio/200 ");
}
END_TEST

UNIT_MAIN("inventory-users", sees_nothing_where_nothing_is_open, follows_a_tap_to_both_of_a_bond,
                follows_a_tap_to_one_of_two_nics, counts_all_that_are_up_for_a_tap_that_is_routed,
                does_not_trust_names_of_another_network_namespace, follows_a_macvtap,
                counts_all_that_are_up_for_a_socket, knows_disks_and_files_on_them, needs_what_is_mapped,
                passes_over_a_process_that_ends)
