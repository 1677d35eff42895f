/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Processes with files open, of which the tests say what the kernel would (--wrap=process_fd_look,
 * --wrap=process_fd_is_in_memory). */

#include <sys/sysmacros.h>

#include "drain/inventory-internal.h"
#include "inventory-fixture.h"

#define NIC ROOT_BUS "0000:00:02.0"
#define NIC2 ROOT_BUS "0000:00:03.0"
#define NVME ROOT_BUS "0000:00:04.0"
#define VFIO ROOT_BUS "0000:00:05.0"
#define VFIO2 ROOT_BUS "0000:00:06.0"
#define GPU ROOT_BUS "0000:00:07.0"

#define WORKLOAD_PID 100
#define OTHER_PID 200

static const WorkloadProcess workload __attribute__((unused)) = { "vm", WORKLOAD_PID };

int __wrap_process_fd_look(int fds_fd, const char *number, FileFacts *ret);
bool __wrap_process_fd_is_in_memory(int fds_fd, const char *number);

/* What the kernel says of the files that the links of the tests name. */
static const struct {
        const char *target;
        mode_t mode;
        unsigned device_major, device_minor; /* that it is, or that it is on */
        bool is_network_socket;
} kernel[] = {
        { "/dev/net/tun", S_IFCHR, 10, 200 },
        { "/dev/tap5", S_IFCHR, 240, 5 },
        { "/dev/dri/card0", S_IFCHR, 226, 0 },
        { "/dev/vfio/vfio", S_IFCHR, 10, 196 },
        { "/dev/vfio/7", S_IFCHR, 243, 0 },
        { "/dev/vfio/8", S_IFCHR, 243, 1 },
        { "/dev/vfio/devices/vfio0", S_IFCHR, 511, 0 },
        { "/home/me/vfio/devices/vfio0", S_IFBLK, 511, 0 },
        { "/dev/nvme0n1", S_IFBLK, 259, 0 },
        { "/jail/disk", S_IFBLK, 254, 0 },
        { "/srv/disk.img", S_IFREG, 0, 77 },
        { "/detached/disk.img", S_IFREG, 259, 1 },
        { "/memfd:ram (deleted)", S_IFREG, 0, 1 },
        { "/unknown", S_IFREG, 0, 88 },
        { "socket:[1]", S_IFSOCK, .is_network_socket = true },
        { "socket:[2]", S_IFSOCK },
};

int __wrap_process_fd_look(int fds_fd, const char *number, FileFacts *ret) {
        char target[256] = "";

        ck_assert_int_gt(readlinkat(fds_fd, number, target, sizeof(target) - 1), 0);
        if (strcmp(target, "/closed") == 0)
                return -ENOENT;
        for (size_t i = 0; i < ELEMENTSOF(kernel); i++)
                if (strcmp(target, kernel[i].target) == 0) {
                        dev_t dev = makedev(kernel[i].device_major, kernel[i].device_minor);
                        bool is_device = S_ISCHR(kernel[i].mode) || S_ISBLK(kernel[i].mode);

                        *ret = (FileFacts) { kernel[i].mode, is_device ? 0 : dev, is_device ? dev : 0,
                                             kernel[i].is_network_socket };
                        return 0;
                }
        return -EACCES;
}

bool __wrap_process_fd_is_in_memory(int fds_fd, const char *number) {
        char target[256] = "";

        ck_assert_int_gt(readlinkat(fds_fd, number, target, sizeof(target) - 1), 0);
        return strncmp(target, "/memfd:", 7) == 0;
}

static inline void put_fd(pid_t pid, int fd, const char *target, const char *fdinfo) {
        root_link(target, text("/proc/%i/fd/%i", pid, fd));
        root_put(text("/proc/%i/fdinfo/%i", pid, fd), fdinfo ?: "pos:\t0\nflags:\t02\n");
}

static inline void put_process(pid_t pid, const char *comm, const char *maps) {
        root_put(text("/proc/%i/comm", pid), comm);
        root_put(text("/proc/%i/maps", pid), maps ?: "");
        root_mkdir(text("/proc/%i/fd", pid));
        root_link("net:[1]", text("/proc/%i/ns/net", pid));
}

/* Two NICs, one with its interface up, a disk, two functions bound to vfio-pci, a GPU; and a workload. */
static inline void put_host(void) {
        put_machine();
        put_function(NIC, 0x020000, "e1000e");
        put_netdev(NIC "/net/eth0", 2, true);
        put_function(NIC2, 0x020000, "igb");
        put_netdev(NIC2 "/net/eth1", 3, true);
        put_function(NVME, 0x010802, "nvme");
        put_block(NVME "/nvme/nvme0/nvme0n1", "259:0\n");
        put_partition(NVME "/nvme/nvme0/nvme0n1/nvme0n1p1", "259:1\n");
        put_function(VFIO, 0x020000, "vfio-pci");
        put_group(VFIO, 7, "identity\n");
        put_function(VFIO2, 0x020000, "vfio-pci");
        put_group(VFIO2, 8, "DMA\n");
        put_function(GPU, 0x030000, "amdgpu");
        sysfs_link(VFIO "/vfio-dev/vfio0", "/sys/dev/char/511:0");
        sysfs_link("virtual/vfio/7", "/sys/dev/char/243:0");
        sysfs_link("virtual/vfio/8", "/sys/dev/char/243:1");
        sysfs_link("virtual/misc/vfio", "/sys/dev/char/10:196");
        sysfs_link(GPU "/drm/card0", "/sys/dev/char/226:0");
        put_process(WORKLOAD_PID, "qemu-system-x86\n", NULL);
        put_process(OTHER_PID, "spdk_tgt\n", NULL);
}
