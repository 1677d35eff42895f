/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a VMM does to a device that it passes through: vfio-hold ADDRESS opens it by its group, maps memory for it, lets
 * it be bus master, and holds it in the background. Its exit status tells whether it could. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <libgen.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

static void fail(const char *what) {
        fprintf(stderr, "vfio-hold: %s: %m\n", what);
        exit(1);
}

static int open_group(const char *address) {
        char path[256], target[256], node[64];
        ssize_t n;
        int fd;

        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", address);
        n = readlink(path, target, sizeof(target) - 1);
        if (n < 0)
                fail(path);
        target[n] = 0;
        snprintf(node, sizeof(node), "/dev/vfio/%.32s", basename(target));
        fd = open(node, O_RDWR | O_CLOEXEC);
        if (fd < 0)
                fail(node);
        return fd;
}

static void map_memory(int container) {
        size_t size = 1 << 20;
        void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        struct vfio_iommu_type1_dma_map map = {
                .argsz = sizeof(map),
                .flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
                .vaddr = (uintptr_t) memory,
                .iova = 1 << 20,
                .size = size,
        };

        if (memory == MAP_FAILED || ioctl(container, VFIO_IOMMU_MAP_DMA, &map) < 0)
                fail("mapping memory for the device");
}

static void be_bus_master(int device) {
        struct vfio_region_info region = { .argsz = sizeof(region), .index = VFIO_PCI_CONFIG_REGION_INDEX };
        uint16_t word;
        off_t where;

        if (ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &region) < 0)
                fail("asking for configuration space");
        where = (off_t) region.offset + PCI_COMMAND;
        if (pread(device, &word, sizeof(word), where) != sizeof(word))
                fail("reading configuration space");
        word |= PCI_COMMAND_MASTER;
        if (pwrite(device, &word, sizeof(word), where) != sizeof(word))
                fail("writing configuration space");
}

int main(int argc, char **argv) {
        int container, group, device;

        if (argc != 2) {
                fprintf(stderr, "usage: vfio-hold ADDRESS\n");
                return 1;
        }
        container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
        if (container < 0)
                fail("/dev/vfio/vfio");
        group = open_group(argv[1]);
        if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) < 0 ||
                        ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) < 0)
                fail("the IOMMU");
        map_memory(container);
        device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, argv[1]);
        if (device < 0)
                fail(argv[1]);
        be_bus_master(device);
        if (daemon(0, 0) < 0)
                fail("daemon");
        for (;;)
                pause();
}
