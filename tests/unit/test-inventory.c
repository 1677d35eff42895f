/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sys/mman.h>
#include <sys/socket.h>

#include "drain/inventory-internal.h"
#include "inventory-fixture.h"

#define NIC ROOT_BUS "0000:00:02.0"

START_TEST(has_nothing_on_a_machine_without_pci) {
        TEMPORARY_ROOT();
        _cleanup_(inventory_freep) Inventory *inventory = NULL;

        ck_assert_int_eq(inventory_read(root, NULL, 0, &inventory), -ENOENT);
        put_machine();
        inventory = read_with(NULL, 0);
        ck_assert_uint_eq(inventory->n, 0);
        ck_assert_ptr_null(inventory_find(inventory, "0000:00:02.0"));
}
END_TEST

START_TEST(reads_a_function) {
        TEMPORARY_ROOT();
        _cleanup_(inventory_freep) Inventory *inventory = NULL;
        const Device *nic, *idle;

        put_machine();
        put_function(NIC, 0x020000, "e1000e");
        put_group(NIC, 7, "DMA-FQ\n");
        root_put("/sys/devices/" NIC "/reset", "");
        root_put("/sys/devices/" NIC "/reset_method", "flr bus\n");
        put_function(ROOT_BUS "0000:00:00.0", 0x060000, NULL);
        put_function(ROOT_BUS "0000:00:03.0", 0xff0000, NULL);
        root_put("/sys/devices/" ROOT_BUS "0000:00:03.0/reset", "");
        root_put("/sys/devices/" ROOT_BUS "0000:00:03.0/reset_method", "\n");
        inventory = read_with(NULL, 0);

        ck_assert_uint_eq(inventory->n, 3);
        ck_assert_str_eq(inventory->devices[0].address, "0000:00:00.0");
        ck_assert(inventory->devices[0].is_bridge);
        nic = get(inventory, "0000:00:02.0");
        ck_assert_str_eq(nic->driver, "e1000e");
        ck_assert(nic->bus == BUS_PCI && !nic->is_bridge && nic->bus_master && nic->has_status && nic->can_reset);
        ck_assert_uint_eq(nic->class_code, 0x020000);
        ck_assert_uint_eq(nic->vendor, 0x8086);
        ck_assert_uint_eq(nic->model, 0x10d3);
        ck_assert_int_eq(nic->iommu_group, 7);
        ck_assert_int_eq(nic->translation, TRANSLATION_TRANSLATED);
        ck_assert_int_eq(nic->msi, MSI_MSIX);
        ck_assert(!device_is_needed(inventory, nic));
        idle = get(inventory, "0000:00:03.0");
        ck_assert_ptr_null(idle->driver);
        ck_assert_int_eq(idle->iommu_group, -1);
        ck_assert(!idle->can_reset && idle->translation == TRANSLATION_NONE);
}
END_TEST

START_TEST(knows_what_the_iommu_does) {
        static const struct {
                const char *type;
                Translation translation;
        } cases[] = {
                { "DMA\n", TRANSLATION_TRANSLATED },
                { "DMA-SQ\n", TRANSLATION_TRANSLATED },
                { "unmanaged\n", TRANSLATION_TRANSLATED },
                { "identity\n", TRANSLATION_IDENTITY },
                { "blocked\n", TRANSLATION_BLOCKED },
                { "unknown\n", TRANSLATION_NONE },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                TEMPORARY_ROOT();
                _cleanup_(inventory_freep) Inventory *inventory = NULL;

                put_machine();
                put_function(NIC, 0x020000, "e1000e");
                put_group(NIC, 3, cases[i].type);
                inventory = read_with(NULL, 0);
                ck_assert_int_eq(inventory->devices[0].translation, cases[i].translation);
        }
}
END_TEST

START_TEST(knows_virtual_functions) {
        TEMPORARY_ROOT();
        _cleanup_(inventory_freep) Inventory *inventory = NULL;

        put_machine();
        put_function(ROOT_BUS "0000:01:00.0", 0x020000, "igb");
        put_function(ROOT_BUS "0000:01:10.0", 0x020000, "igbvf");
        put_function(ROOT_BUS "0000:01:10.2", 0x020000, NULL);
        put_function(ROOT_BUS "0000:09:10.0", 0x020000, NULL);
        root_link("../0000:01:00.0", "/sys/devices/" ROOT_BUS "0000:01:10.0/physfn");
        root_link("../0000:01:00.0", "/sys/devices/" ROOT_BUS "0000:01:10.2/physfn");
        root_link("../0000:09:00.0", "/sys/devices/" ROOT_BUS "0000:09:10.0/physfn"); /* is gone */
        inventory = read_with(NULL, 0);

        ck_assert_uint_eq(get(inventory, "0000:01:00.0")->n_virtual, 2);
        ck_assert_str_eq(get(inventory, "0000:01:10.2")->parent, "0000:01:00.0");
        ck_assert_str_eq(get(inventory, "0000:09:10.0")->parent, "0000:09:00.0");
        ck_assert(!device_is_needed(inventory, get(inventory, "0000:09:10.0")));
}
END_TEST

START_TEST(leaves_out_what_is_unplugged_meanwhile) {
        TEMPORARY_ROOT();
        _cleanup_(inventory_freep) Inventory *inventory = NULL;
        unsigned char ones[256];

        memset(ones, 0xff, sizeof(ones));
        put_machine();
        put_function(NIC, 0x020000, "e1000e");
        put_function(ROOT_BUS "0000:00:03.0", 0x020000, "e1000e"); /* does not answer */
        root_put_bytes("/sys/devices/" ROOT_BUS "0000:00:03.0/config", ones, sizeof(ones));
        put_function(ROOT_BUS "0000:00:04.0", 0x020000, "e1000e"); /* between readdir and open */
        ck_assert_int_eq(unlink(root_path("/sys/devices/" ROOT_BUS "0000:00:04.0/config")), 0);
        sysfs_link(ROOT_BUS "0000:00:05.0", "/sys/bus/pci/devices/0000:00:05.0");
        put_netdev(ROOT_BUS "0000:00:03.0/net/eth1", 3, true);
        put_function(ROOT_BUS "0000:00:1c.0", 0x060400, "pcieport");
        put_netdev(ROOT_BUS "0000:00:1c.0/0000:01:00.0/net/eth2", 4, true); /* its function is gone */
        inventory = read_with(NULL, 0);
        ck_assert_uint_eq(inventory->n, 2);
        ck_assert_uint_eq(get(inventory, "0000:00:02.0")->n_interfaces, 0);
        ck_assert_uint_eq(get(inventory, "0000:00:1c.0")->n_interfaces, 0);
}
END_TEST

START_TEST(lists_what_does_dma_on_other_buses) {
        TEMPORARY_ROOT();
        _cleanup_(inventory_freep) Inventory *inventory = NULL;

        put_machine();
        put_function(NIC, 0x0c0330, "dwc3-pci");
        /* by way of the function it is below */
        root_link("../drivers/dwc3", "/sys/devices/" NIC "/dwc3.1.auto/driver");
        sysfs_link(NIC "/dwc3.1.auto", "/sys/bus/platform/devices/dwc3.1.auto");
        sysfs_link(NIC "/dwc3.1.auto/usb1", "/sys/bus/usb/devices/usb1");
        root_link("../drivers/sdhci", "/sys/devices/platform/sdhci.0/driver");
        sysfs_link("platform/sdhci.0", "/sys/bus/platform/devices/sdhci.0");
        sysfs_link("platform/sdhci.0/mmc_host/mmc0", "/sys/class/mmc_host/mmc0");
        put_block("platform/sdhci.0/mmc_host/mmc0/mmc0:1/block/mmcblk0", "179:0");
        root_link("../drivers/virtio-mmio", "/sys/devices/platform/LNRO0005:00/driver");
        sysfs_link("platform/LNRO0005:00", "/sys/bus/platform/devices/LNRO0005:00");
        root_link("../drivers/smmu-test", "/sys/devices/platform/dma.1/driver");
        sysfs_link("platform/dma.1", "/sys/bus/platform/devices/dma.1");
        put_group("platform/dma.1", 9, "identity\n");
        root_link("../drivers/pcspkr", "/sys/devices/platform/pcspkr/driver");
        sysfs_link("platform/pcspkr", "/sys/bus/platform/devices/pcspkr");
        root_mkdir("/sys/devices/platform/unbound");
        sysfs_link("platform/unbound", "/sys/bus/platform/devices/unbound");
        inventory = read_with(NULL, 0);

        ck_assert_uint_eq(inventory->n, 4);
        ck_assert_int_eq(get(inventory, "sdhci.0")->bus, BUS_PLATFORM);
        ck_assert_str_eq(joined(get(inventory, "sdhci.0")->blocks), "mmcblk0 ");
        ck_assert_int_eq(get(inventory, "dma.1")->translation, TRANSLATION_IDENTITY);
        ck_assert_int_eq(inventory->devices[3].bus, BUS_VIRTIO_MMIO);
        ck_assert_str_eq(inventory->devices[3].address, "LNRO0005:00");
}
END_TEST

START_TEST(knows_interfaces_and_what_sits_on_them) {
        TEMPORARY_ROOT();
        _cleanup_(inventory_freep) Inventory *inventory = NULL;
        const Device *nic;

        put_machine();
        put_function(NIC, 0x020000, "virtio-pci");
        put_netdev(NIC "/virtio0/net/eth0", 2, true);
        put_netdev(NIC "/virtio0/net/eth1", 3, false);
        put_netdev("virtual/net/eth0.5", 4, true);
        put_netdev("virtual/net/br0", 5, true);
        put_upper(NIC "/virtio0/net/eth0", "virtual/net/eth0.5");
        put_upper("virtual/net/eth0.5", "virtual/net/br0");
        root_put("/sys/class/net/bonding_masters", "\n");
        inventory = read_with(NULL, 0);

        nic = get(inventory, "0000:00:02.0");
        ck_assert_uint_eq(nic->n_interfaces, 2);
        ck_assert_str_eq(nic->interfaces[0].name, "eth0");
        ck_assert(nic->interfaces[0].index == 2 && nic->interfaces[0].is_up);
        ck_assert_str_eq(joined(nic->interfaces[0].uppers), "eth0.5 br0 ");
        ck_assert(!nic->interfaces[1].is_up);
        ck_assert_str_eq(joined(nic->interfaces[1].uppers), "");
}
END_TEST

static FileFacts look(int fd, bool *ret_is_in_memory) {
        _cleanup_fd_ int fds_fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        FileFacts facts;

        ck_assert_int_ge(fds_fd, 0);
        ck_assert_int_eq(process_fd_look(fds_fd, text("%i", fd), &facts), 0);
        *ret_is_in_memory = process_fd_is_in_memory(fds_fd, text("%i", fd));
        return facts;
}

START_TEST(asks_the_kernel_about_files) {
        TEMPORARY_ROOT();
        _cleanup_fd_ int memory = memfd_create("test", MFD_CLOEXEC), null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        _cleanup_fd_ int local = socket(AF_UNIX, SOCK_STREAM, 0), remote = socket(AF_INET, SOCK_STREAM, 0);
        _cleanup_fd_ int file = root_open("/file"), nothing = open("/proc/self/fd", O_RDONLY | O_DIRECTORY);
        FileFacts facts;
        struct stat st;
        bool is_in_memory;

        facts = look(memory, &is_in_memory);
        ck_assert(S_ISREG(facts.mode) && is_in_memory);
        facts = look(null, &is_in_memory);
        ck_assert(S_ISCHR(facts.mode) && fstat(null, &st) == 0 && facts.rdev == st.st_rdev);
        facts = look(file, &is_in_memory);
        ck_assert(S_ISREG(facts.mode) && fstat(file, &st) == 0 && facts.dev == st.st_dev);
        facts = look(local, &is_in_memory);
        ck_assert(S_ISSOCK(facts.mode) && !facts.is_network_socket);
        if (remote >= 0) {
                facts = look(remote, &is_in_memory);
                ck_assert(S_ISSOCK(facts.mode) && facts.is_network_socket);
        }
        ck_assert_int_eq(process_fd_look(nothing, "999", &facts), -ENOENT);
        ck_assert(!process_fd_is_in_memory(nothing, "999"));
}
END_TEST

/* Whatever machine that is: what is in the inventory must be in sysfs, and serve the API. */
START_TEST(reads_this_machine) {
        const WorkloadProcess self = { "self", getpid() };
        Inventory *inventory = NULL;
        int r = inventory_read("", &self, 1, &inventory);

        if (r < 0) { /* no /sys, or one that is hidden */
                ck_assert(r == -ENOENT || r == -EACCES || r == -EPERM);
                return;
        }
        for (size_t i = 0; i < inventory->n; i++) {
                const Device *device = &inventory->devices[i];
                json_object *o = device_to_json(device);
                const char *directory = device->bus == BUS_PCI ? "/sys/bus/pci/devices" : "/sys/bus/platform/devices";

                ck_assert_ptr_nonnull(o);
                json_object_put(o);
                ck_assert_int_eq(access(text("%s/%s", directory, device->address), F_OK), 0);
                (void) device_is_needed(inventory, device);
        }
        inventory_free(inventory);
}
END_TEST

UNIT_MAIN("inventory", has_nothing_on_a_machine_without_pci, reads_a_function, knows_what_the_iommu_does,
                knows_virtual_functions, leaves_out_what_is_unplugged_meanwhile, lists_what_does_dma_on_other_buses,
                knows_interfaces_and_what_sits_on_them, asks_the_kernel_about_files, reads_this_machine)
