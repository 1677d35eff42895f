/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "inventory-fixture.h"

#define NVME ROOT_BUS "0000:00:03.0"
#define NVME_DISK NVME "/nvme/nvme0/nvme0n1"
#define AHCI ROOT_BUS "0000:00:1f.2"
#define SDA AHCI "/ata1/host0/target0:0:0/0:0:0:0/block/sda"
#define NIC ROOT_BUS "0000:00:02.0"

/* With a NIC that is up, an NVMe and an SATA disk. */
static void put_disks(void) {
        put_machine();
        put_function(NIC, 0x020000, "e1000e");
        put_netdev(NIC "/net/eth0", 2, true);
        put_function(NVME, 0x010802, "nvme");
        put_block(NVME_DISK, "259:0\n");
        put_partition(NVME_DISK "/nvme0n1p1", "259:1\n");
        put_partition(NVME_DISK "/nvme0n1p2", "259:2\n");
        put_function(AHCI, 0x010601, "ahci");
        put_block(SDA, "8:0\n");
        put_partition(SDA "/sda1", "8:1\n");
}

/* Who has root, and who swap: addresses, each followed by a space. */
static void assert_system(const Inventory *inventory, const char *roots, const char *swaps) {
        char found_roots[256] = "", found_swaps[256] = "";

        for (size_t i = 0; i < inventory->n; i++) {
                const Device *device = &inventory->devices[i];

                if (device->has_root)
                        strcat(strcat(found_roots, device->address), " ");
                if (device->has_swap)
                        strcat(strcat(found_swaps, device->address), " ");
                ck_assert_int_eq(device_is_needed(inventory, device),
                                device->has_root || device->has_swap || device->has_network_disk ||
                                                device->has_network_mount);
        }
        ck_assert_str_eq(found_roots, roots);
        ck_assert_str_eq(found_swaps, swaps);
}

START_TEST(knows_disks_and_plain_partitions) {
        TEMPORARY_ROOT();
        _cleanup_(inventory_freep) Inventory *inventory = NULL;

        put_disks();
        root_put(SELF_MOUNTS, "27 1 259:2 / / rw - ext4 /dev/root rw\n"
                              "28 27 259:1 / /boot rw - vfat /dev/nvme0n1p1 rw\n"
                              "29 27 8:1 / /srv rw - xfs /dev/sda1 rw\n"
                              "30 27 8:1 /export /export rw - xfs /dev/sda1 rw\n"
                              "32 27 0:9 / /boot rw - tmpfs none rw\n"
                              "33 27 259:1 / /efi rw - vfat /dev/nvme0n1p1 rw\n"
                              "31 27 0:5 / /proc rw - proc proc rw\n");
        root_put("/proc/swaps", "Filename Type Size Used Priority\n/dev/sda1 partition 1 0 -2\n");
        inventory = read_with(NULL, 0);
        ck_assert_str_eq(joined(get(inventory, "0000:00:03.0")->blocks), "nvme0n1 ");
        ck_assert_str_eq(joined(get(inventory, "0000:00:03.0")->mounts), "/ /efi ");
        ck_assert_str_eq(joined(get(inventory, "0000:00:1f.2")->blocks), "sda ");
        ck_assert_str_eq(joined(get(inventory, "0000:00:1f.2")->mounts), "/srv ");
        ck_assert_ptr_null(get(inventory, "0000:00:02.0")->blocks);
        assert_system(inventory, "0000:00:03.0 ", "0000:00:1f.2 ");
}
END_TEST

START_TEST(finds_root_below_device_mapper) {
        TEMPORARY_ROOT();
        _cleanup_(inventory_freep) Inventory *inventory = NULL;

        put_disks();
        put_mapped("dm-0", "254:0\n", "nvme0n1p2"); /* LUKS */
        put_mapped("dm-1", "254:1\n", "dm-0");      /* a logical volume on it */
        root_put("/sys/devices/virtual/block/dm-1/dm/name", "vg-swap\n");
        put_mapped("md0", "9:0\n", "sda1");
        root_link("elsewhere", "/sys/devices/virtual/block/md0/slaves/nvme0n1p1");
        root_put(SELF_MOUNTS, "27 1 254:0 / / rw - ext4 /dev/mapper/root rw\n"
                              "28 27 9:0 / /srv rw - ext4 /dev/md0 rw\n");
        root_put("/proc/swaps", "Filename Type Size Used Priority\n/dev/mapper/vg-swap partition 1 0 -2\n");
        inventory = read_with(NULL, 0);
        ck_assert_str_eq(joined(get(inventory, "0000:00:03.0")->blocks), "nvme0n1 ");
        ck_assert_str_eq(joined(get(inventory, "0000:00:03.0")->mounts), "/ /srv ");
        ck_assert_str_eq(joined(get(inventory, "0000:00:1f.2")->mounts), "/srv ");
        assert_system(inventory, "0000:00:03.0 ", "0000:00:03.0 ");
}
END_TEST

START_TEST(counts_usr_as_root) {
        TEMPORARY_ROOT();
        _cleanup_(inventory_freep) Inventory *inventory = NULL;

        put_disks();
        root_put(SELF_MOUNTS, "27 1 259:2 / / rw - ext4 /dev/nvme0n1p2 rw\n28 27 8:1 / /usr ro - erofs /dev/sda1 ro\n");
        inventory = read_with(NULL, 0);
        assert_system(inventory, "0000:00:03.0 0000:00:1f.2 ", "");
}
END_TEST

START_TEST(finds_all_devices_of_a_btrfs) {
        TEMPORARY_ROOT();
        _cleanup_(inventory_freep) Inventory *inventory = NULL;

        put_disks();
        root_put(SELF_MOUNTS, "27 1 0:30 /@ / rw - btrfs /dev/nvme0n1p2 rw\n");
        root_link("elsewhere", "/sys/fs/btrfs/0a-1b/devices/nvme0n1p2");
        root_link("elsewhere", "/sys/fs/btrfs/0a-1b/devices/sda1");
        root_mkdir("/sys/fs/btrfs/features");
        inventory = read_with(NULL, 0);
        ck_assert_str_eq(joined(get(inventory, "0000:00:1f.2")->mounts), "/ ");
        assert_system(inventory, "0000:00:03.0 0000:00:1f.2 ", "");
}
END_TEST

START_TEST(finds_the_controllers_of_a_multipath_disk) {
        TEMPORARY_ROOT();
        _cleanup_(inventory_freep) Inventory *inventory = NULL;

        put_disks();
        put_function(ROOT_BUS "0000:00:04.0", 0x010802, "nvme");
        put_function(ROOT_BUS "0000:00:05.0", 0x010802, "nvme");
        put_block("virtual/nvme-subsystem/nvme-subsys1/nvme1n1", "259:9\n");
        root_link("../../../" ROOT_BUS "0000:00:04.0/nvme/nvme1",
                        "/sys/devices/virtual/nvme-subsystem/nvme-subsys1/nvme1");
        root_link("../../../" ROOT_BUS "0000:00:05.0/nvme/nvme2",
                        "/sys/devices/virtual/nvme-subsystem/nvme-subsys1/nvme2");
        sysfs_link(ROOT_BUS "0000:00:04.0/nvme/nvme1/nvme1c1n1", "/sys/class/block/nvme1c1n1"); /* has no number */
        root_put(SELF_MOUNTS, "27 1 259:9 / / rw - ext4 /dev/nvme1n1 rw\n");
        inventory = read_with(NULL, 0);
        ck_assert_str_eq(joined(get(inventory, "0000:00:04.0")->blocks), "nvme1n1 ");
        ck_assert_str_eq(joined(get(inventory, "0000:00:05.0")->blocks), "nvme1n1 ");
        assert_system(inventory, "0000:00:04.0 0000:00:05.0 ", "");
}
END_TEST

START_TEST(finds_files_that_are_disks) {
        TEMPORARY_ROOT();
        _cleanup_(inventory_freep) Inventory *inventory = NULL;

        put_disks();
        put_block("virtual/block/loop0", "7:0\n");
        root_put("/sys/devices/virtual/block/loop0/loop/backing_file", "/srv/images/root.img\n");
        put_block("virtual/block/zram0", "253:0\n");
        root_put("/sys/devices/virtual/block/zram0/backing_dev", "none\n");
        root_put(SELF_MOUNTS, "27 1 7:0 / / rw - ext4 /dev/loop0 rw\n28 27 8:1 / /srv rw - ext4 /dev/sda1 rw\n"
                              "29 27 259:1 / /var rw - ext4 /dev/nvme0n1p1 rw\n");
        root_put("/proc/swaps", "Filename Type Size Used Priority\n/dev/zram0 partition 1 0 -2\n"
                                "/var/swap\\040file file 1 0 -2\n");
        inventory = read_with(NULL, 0);
        assert_system(inventory, "0000:00:1f.2 ", "0000:00:03.0 ");
        ck_assert_str_eq(joined(get(inventory, "0000:00:1f.2")->mounts), "/ /srv ");
}
END_TEST

/* A loop device that is mounted over the file it is made of, and slaves in a circle. */
START_TEST(ends_where_a_disk_is_on_itself) {
        TEMPORARY_ROOT();
        _cleanup_(inventory_freep) Inventory *inventory = NULL;

        put_disks();
        put_block("virtual/block/loop0", "7:0\n");
        root_put("/sys/devices/virtual/block/loop0/loop/backing_file", "/srv/image\n");
        put_mapped("dm-0", "254:0\n", "dm-1");
        put_mapped("dm-1", "254:1\n", "dm-0");
        root_put(SELF_MOUNTS, "27 1 254:0 / / rw - ext4 /dev/dm-0 rw\n28 27 7:0 / /srv rw - ext4 /dev/loop0 rw\n");
        inventory = read_with(NULL, 0);
        ck_assert_ptr_null(get(inventory, "0000:00:1f.2")->mounts);
}
END_TEST

START_TEST(holds_everything_needed_where_nothing_tells) {
        static const struct {
                const char *mounts, *roots;
        } cases[] = {
                { "27 1 0:30 / / rw - nfs4 server:/root rw\n", "0000:00:02.0 " },
                { "27 1 43:0 / / rw - ext4 /dev/nbd0 rw\n", "0000:00:02.0 " },
                { "27 1 0:31 / / rw - overlay overlay rw\n", "0000:00:02.0 0000:00:03.0 0000:00:1f.2 " },
                { "27 1 0:32 / / rw - zfs pool/root rw\n", "0000:00:02.0 0000:00:03.0 0000:00:1f.2 " },
                { "27 1 66:6 / / rw - ext4 /dev/gone rw\n", "0000:00:02.0 0000:00:03.0 0000:00:1f.2 " },
                { "27 1 0:33 / / rw - tmpfs tmpfs rw\n", "" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                TEMPORARY_ROOT();
                _cleanup_(inventory_freep) Inventory *inventory = NULL;

                put_disks();
                put_block("virtual/block/nbd0", "43:0\n");
                root_put(SELF_MOUNTS, cases[i].mounts);
                inventory = read_with(NULL, 0);
                assert_system(inventory, cases[i].roots, "");
        }
}
END_TEST

/* iSCSI, NVMe over fabrics, a loop device on NFS: whatever is mounted there is frozen, and needs the way there. */
START_TEST(knows_the_way_to_what_is_mounted_over_the_network) {
        static const struct {
                const char *mounts;
                bool is_disk, is_mount;
        } cases[] = {
                { "28 27 8:17 / /srv rw - ext4 /dev/sdb1 rw\n", true, false },
                { "28 27 259:9 / /srv rw - xfs /dev/nvme1n1 rw\n", true, false },
                { "28 27 254:0 / /srv rw - ext4 /dev/mapper/mirror rw\n", true, false },
                { "28 27 0:41 / /srv rw - btrfs /dev/sdb1 rw\n", true, false },
                { "28 27 0:30 / /nfs rw - nfs4 server:/root rw\n29 27 7:0 / /srv rw - ext4 /dev/loop0 rw\n",
                        true, true },
                { "28 27 0:30 / /srv rw - nfs4 server:/root rw\n", false, true },
                { "28 27 0:31 / /srv rw - cifs //server/root rw\n", false, true },
                { "28 27 0:32 / /srv rw - overlay overlay rw\n", false, false },
                { "28 27 259:1 / /srv rw - ext4 /dev/nvme0n1p1 rw\n", false, false },
                { "28 27 252:0 / /srv rw - ext4 /dev/zram0 rw\n", false, false },
                { "28 27 259:8 / /srv rw - ext4 /dev/pmem0 rw\n", false, false },
                { "", false, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                TEMPORARY_ROOT();
                _cleanup_(inventory_freep) Inventory *inventory = NULL;
                const Device *nic;

                put_disks();
                put_function(ROOT_BUS "0000:00:04.0", 0x020000, "e1000e");
                put_netdev(ROOT_BUS "0000:00:04.0/net/eth1", 3, false);
                put_block("platform/host3/session1/target3:0:0/3:0:0:1/block/sdb", "8:16\n");
                put_partition("platform/host3/session1/target3:0:0/3:0:0:1/block/sdb/sdb1", "8:17\n");
                put_block("virtual/nvme-fabrics/ctl/nvme1/nvme1n1", "259:9\n");
                put_mapped("dm-0", "254:0\n", "sda1");
                root_link("elsewhere", "/sys/devices/virtual/block/dm-0/slaves/sdb1");
                put_block("virtual/block/loop0", "7:0\n");
                root_put("/sys/devices/virtual/block/loop0/loop/backing_file", "/nfs/image\n");
                put_block("virtual/block/zram0", "252:0\n");
                put_block("LNXSYSTM:00/ndbus0/region0/namespace0.0/block/pmem0", "259:8\n");
                root_put(SELF_MOUNTS, text("27 1 259:2 / / rw - ext4 /dev/nvme0n1p2 rw\n%s", cases[i].mounts));
                inventory = read_with(NULL, 0);
                nic = get(inventory, "0000:00:02.0");
                ck_assert_msg(nic->has_network_disk == cases[i].is_disk, "%s", cases[i].mounts);
                ck_assert_msg(nic->has_network_mount == cases[i].is_mount, "%s", cases[i].mounts);
                ck_assert(!get(inventory, "0000:00:04.0")->has_network_disk); /* it is down */
                ck_assert(!get(inventory, "0000:00:03.0")->has_network_disk);
                ck_assert(!get(inventory, "0000:00:1f.2")->has_network_disk);
                assert_system(inventory, "0000:00:03.0 ", "");
        }
}
END_TEST

UNIT_MAIN("inventory-disks", knows_disks_and_plain_partitions, finds_root_below_device_mapper, counts_usr_as_root,
                finds_all_devices_of_a_btrfs, finds_the_controllers_of_a_multipath_disk, finds_files_that_are_disks,
                ends_where_a_disk_is_on_itself, holds_everything_needed_where_nothing_tells,
                knows_the_way_to_what_is_mounted_over_the_network)
