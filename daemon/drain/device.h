/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What can write to memory by itself: every PCI function, and what of other buses does DMA; what sits on it, and who
 * uses it. */

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "basic/cleanup.h"

typedef enum DeviceBus {
        BUS_PCI,
        BUS_PLATFORM,
        BUS_VIRTIO_MMIO,
        _BUS_MAX,
} DeviceBus;

typedef enum Translation {
        TRANSLATION_NONE,       /* in no IOMMU group, or in one that the kernel says nothing of (VFIO without IOMMU) */
        TRANSLATION_IDENTITY,   /* the IOMMU lets it through */
        TRANSLATION_TRANSLATED, /* DMA, DMA-FQ, or a domain of the user's own (VFIO) */
        TRANSLATION_BLOCKED,
} Translation;

typedef enum MessageInterrupts {
        MSI_NONE, /* or off */
        MSI_MSI,
        MSI_MSIX,
} MessageInterrupts;

/* A network interface of the device. */
typedef struct DeviceInterface {
        char *name;
        unsigned index;
        bool is_up;    /* IFF_UP */
        char **uppers; /* all that sit on it, the nearest first: bond, bridge, VLAN; NULL-terminated, or NULL */
} DeviceInterface;

typedef enum DeviceUse {
        USE_VFIO,
        USE_INTERFACE, /* a tap or macvtap whose packets go through it, or a socket where nothing tells which way */
        USE_BLOCK,     /* a block device or a file that is on it, or behind it on another machine; open or mapped */
        USE_CHARACTER, /* a character device of it: a GPU, RDMA, a USB device; or anything, by a workload that cannot be
                        * looked into */
} DeviceUse;

/* A process that has it open, once for each way of use. Those of workloads are all there; of others only VFIO's. Where
 * nothing tells which device it is (a socket, a tap that is routed, a disk or file system of the network, a file system
 * of unknown make), all that may be meant have this user: those with interfaces that are up or in another network
 * namespace, and disks. */
typedef struct DeviceUser {
        pid_t pid;
        char comm[16];
        char *workload; /* its name, or NULL */
        DeviceUse use;
        int vfio_fd;    /* the number of the VFIO device's fd in that process, or -1: older kernels do not tell
                         * which one it is where a process has several devices by their groups */
} DeviceUser;

typedef struct Device {
        DeviceBus bus;
        char *address;        /* "0000:00:02.0"; on other buses the name in sysfs */
        char *driver;         /* NULL: none bound */
        char *parent;         /* the physical function of a virtual one, or NULL */
        unsigned n_virtual;   /* virtual functions it has */
        uint32_t class_code;  /* 24 bits; 0 on other buses */
        uint16_t vendor, model;
        int iommu_group;      /* -1: none */
        Translation translation;
        MessageInterrupts msi;
        bool is_bridge;       /* class 06 */
        bool has_status;      /* a PCI Express capability, and so a bit that tells of pending transactions */
        bool can_reset;       /* the kernel offers a function-level reset, or another of the function alone */
        bool bus_master;      /* PCI_COMMAND_MASTER, as configuration space says */
        bool is_pending;      /* PCI_EXP_DEVSTA_TRPND */

        DeviceInterface *interfaces;
        size_t n_interfaces;
        char **blocks;        /* its disks, by their names in /sys/block; NULL-terminated, or NULL */
        char **mounts;        /* one mount point (the oldest that is not covered) of each file system on them, also by
                               * way of device mapper, md and loop devices; NULL-terminated, or NULL */
        bool has_root;        /* what is mounted on / or /usr */
        bool has_swap;
        /* What the host mounts over the network may be reached through it; nothing tells which way it goes. */
        bool has_network_disk;  /* a file system on a block device (iSCSI, nbd, rbd, NVMe over fabrics; a loop device
                                 * on NFS), which `seal` freezes: without the network it would block there for ever */
        bool has_network_mount; /* a file system of another machine (NFS, CIFS): nothing freezes it, and who waits for
                                 * it goes on when the device is back, so that it is enough to drain it late */
        DeviceUser *users;
        size_t n_users;
} Device;

typedef struct Inventory {
        Device *devices; /* ordered by bus, then address */
        size_t n;
} Inventory;

/* A process that is a workload. */
typedef struct WorkloadProcess {
        const char *name;
        pid_t pid;
} WorkloadProcess;

/* Reads `root`/sys and, for who uses what, `root`/proc; `root` is "" but in tests. What is unplugged meanwhile, or does
 * not answer, is left out. A machine without PCI has no such devices. Takes milliseconds, with many processes tens of
 * them: outside the blackout. -ENOENT: there is no `root`/sys or `root`/proc. */
int inventory_read(const char *root, const WorkloadProcess *workloads, size_t n_workloads, Inventory **ret);
Inventory *inventory_free(Inventory *inventory);
DEFINE_CLEANUP(Inventory *, inventory_free)

const Device *inventory_find(const Inventory *inventory, const char *address);

/* A workload uses it, or the host itself cannot do without: root, swap, what it mounts over the network. What its
 * virtual functions are needed for counts for their parent, too. */
bool device_is_needed(const Inventory *inventory, const Device *device);
/* The first user by VFIO, or NULL. */
const DeviceUser *device_vfio_user(const Device *device);

/* A Device of io.liveupdate, without policy, round and note, which the caller adds. NULL: no memory. */
json_object *device_to_json(const Device *device);

/* configuration space */

typedef struct PciState {
        bool is_gone;    /* all ones, or the file is no more */
        bool bus_master, is_pending;
} PciState;

/* What 256 bytes of configuration space say, hostile ones too. Of fewer, what is in them; less than 64 are of a device
 * that is gone. *ret_status_offset is where the PCI Express device status is, 0 if there is none. */
void pci_state_parse(const unsigned char *config, size_t size, PciState *ret_state, MessageInterrupts *ret_msi,
                bool *ret_has_status, size_t *ret_status_offset);
/* Reads it anew from an open config file of sysfs: 0, or a negative errno for what is not "gone". `status_offset` as
 * of pci_state_parse(), 0 where it has none. */
int pci_state_read(int config_fd, size_t status_offset, PciState *ret);

/* comparison, on the other side of the jump */

/* What of `before` (the member "devices" of a manifest: drain.h:drain_to_json()) is otherwise in `now`: devices that
 * are missing, drivers not bound, links not up. Interfaces are known by name; the next kernel may give them others, so
 * one of `before` whose name the device no longer has is taken for one of its that is up and not named in `before`, as
 * long as there are such. Devices that `before` does not have are nobody's loss.
 * Sets "problems" (an array of sentences: "the device is missing", "its driver nvme is not bound", "its driver is
 * vfio-pci, it was nvme", "eth0 is not up", "eth0 is not there") of each such device of `before`, and removes it from
 * the others. The number of devices with problems; -EBADMSG: `before` is not what it should be; -ENOMEM. */
int inventory_compare(json_object *before, const Inventory *now);
