/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How an inventory comes about: first the devices, then what the kernel knows beside them (interfaces, block devices,
 * mounts), then who uses what. While that is done, `devices` of the inventory stays where it is. */

#include <libmount/libmount.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "basic/cleanup.h"
#include "drain/device.h"

#define SYSFS_TEXT_MAX 4096U     /* of an attribute, or of a link's target */
#define SYSFS_VIRTUAL "devices/virtual/" /* where all is that has no hardware, and there may be thousands of that */
#define PROC_TEXT_MAX (16U << 20) /* of a file in /proc */

typedef struct libmnt_table Mounts;
typedef struct libmnt_fs Mount;

static inline void mounts_freep(Mounts **mounts) {
        mnt_unref_table(*mounts);
}

/* Devices of an inventory; and what is not known to be one of them. */
typedef struct DeviceSet {
        unsigned visit;      /* that of the block devices it has been led through */
        bool *members;       /* one for each device */
        bool is_on_network;  /* by way of one of the interfaces, nothing tells which */
        bool is_on_unknown;  /* on a disk or behind an interface, nothing tells which */
} DeviceSet;

/* A disk, a partition, or what device mapper and others make of them. */
typedef struct Block {
        char *name; /* as sysfs has it: '!' for '/' */
        char *path; /* in sysfs, from "devices/" on */
        dev_t dev;
        unsigned visit;
} Block;

typedef struct Netdev {
        char *name, *path;
        Device *device; /* or NULL */
        bool is_known;  /* of the rest */
        bool is_tun;
        struct Netdev **uppers, **lowers; /* NULL-terminated, direct ones */
        unsigned visit;
} Netdev;

typedef struct Reading {
        int sys_fd, proc_fd;
        Inventory *inventory;
        Block *blocks; /* ordered by name */
        size_t n_blocks;
        Netdev *netdevs; /* ordered by name */
        size_t n_netdevs;
        Mounts *mounts; /* this process's */
        bool has_network_disk, has_network_mount; /* among them */
        unsigned visits;
} Reading;

/* sysfs.c: texts of the kernel's. All are relative to a directory, and answer 0 or a negative errno. */

/* The directory's next entry that is neither "." nor "..", or NULL. */
struct dirent *dir_next(DIR *dir);
/* NULL with errno. */
DIR *dir_open_at(int dir_fd, const char *path);
/* Caller frees. -ENAMETOOLONG: longer than SYSFS_TEXT_MAX. */
int link_read(int dir_fd, const char *path, char **ret);
/* The last component of its target. */
int link_read_name(int dir_fd, const char *path, char **ret);
/* Of a link of sysfs, what follows the leading "../". */
int sysfs_link_read(int dir_fd, const char *path, char **ret);
/* The first line of an attribute. */
int attribute_read(int dir_fd, const char *path, char **ret);
int attribute_read_number(int dir_fd, const char *path, int base, unsigned long *ret);
/* The value of "key: value" or "key:\tvalue" in a text of lines. */
int line_get(const char *text, const char *key, char **ret);
/* A NULL-terminated list of distinct strings. */
int strings_add(char ***list, const char *s);
size_t strings_count(char *const *list);
void strings_free(char **list);
/* The name of a PCI function: 0000:00:02.0. */
bool is_pci_address(const char *name, size_t length);

/* devices */

int inventory_add(Inventory *inventory, const Device *device);
void device_done(Device *device);
/* The device nearest to the end of a path of sysfs; a PCI function goes before others, which work by it. NULL: none. */
Device *inventory_find_in_path(const Inventory *inventory, const char *path);
/* Its group, and what the IOMMU does for it. */
int device_read_iommu(int sys_fd, int device_fd, Device *device);
int pci_functions_read(int sys_fd, Inventory *inventory);
int other_buses_read(int sys_fd, Inventory *inventory);

/* device-set.c */

int device_set_new(Reading *reading, DeviceSet *ret);
void device_set_done(DeviceSet *set);
void device_set_add(const Reading *reading, DeviceSet *set, const Device *device);
/* Whatever may be meant counts, where it is not known. */
void device_set_widen(const Reading *reading, DeviceSet *set);

/* interfaces.c, netdev.c */

int netdevs_read(Reading *reading);
void netdevs_free(Reading *reading);
Netdev *netdev_find(const Reading *reading, const char *name);
/* Reads its uppers and lowers. */
int netdev_know(Reading *reading, Netdev *netdev);
/* All on top of it, the nearest first, without it; NULL-terminated. Caller frees the list alone. */
int netdev_uppers(Reading *reading, Netdev *netdev, Netdev ***ret);
/* Through what the packets of a tap or macvtap go. */
int netdev_collect(Reading *reading, const char *name, DeviceSet *set);
int interfaces_attach(Reading *reading);

/* blocks.c, disks.c */

int blocks_read(Reading *reading);
void blocks_free(Reading *reading);
int blocks_attach(Reading *reading); /* disks to their devices */
/* What of the hardware is below. */
int block_collect(Reading *reading, Block *block, DeviceSet *set);
int block_collect_dev(Reading *reading, dev_t dev, DeviceSet *set);
Block *block_find(const Reading *reading, const char *name);
Block *block_find_path(const Reading *reading, const char *path); /* of a device node */

/* mounts.c */

int mounts_read(int proc_fd, const char *path, Mounts **ret);
int mounts_attach(Reading *reading); /* mount points, root and swap */
int mount_collect(Reading *reading, Mount *mount, DeviceSet *set);
/* Of a file by its path in this process's mounts. */
int path_collect(Reading *reading, const char *path, DeviceSet *set);

/* users.c */

typedef struct Process {
        pid_t pid;
        char comm[16];
        const char *workload; /* or NULL */
        int process_fd;       /* its directory in /proc */
} Process;

int users_read(Reading *reading, const WorkloadProcess *workloads, size_t n_workloads);
/* What it holds already by the same use is not noted again. */
int device_add_user(Device *device, const Process *process, DeviceUse use, int vfio_fd);

/* vfio.c: which devices a process holds by VFIO. */
typedef struct VfioFiles {
        int *fds; /* of devices the kernel does not name */
        size_t n_fds;
        int *groups;
        size_t n_groups;
} VfioFiles;

void vfio_files_done(VfioFiles *files);
/* Looks at one fd of the process, whose link reads `target`. */
int vfio_look(Reading *reading, const Process *process, int fds_fd, const char *number, const char *target,
                VfioFiles *files);
/* The path in sysfs of a character device, or a negative errno. Caller frees. */
int character_path(const Reading *reading, dev_t rdev, char **ret);
/* After all: what is known by its group alone. */
int vfio_conclude(Reading *reading, const Process *process, const VfioFiles *files);

/* workload-files.c: what a workload has open and mapped. */
typedef struct Usage {
        const Process *process;
        Mounts *mounts; /* of its own mount namespace, read when needed */
        DeviceSet interfaces, disks, characters;
} Usage;

int usage_new(Reading *reading, const Process *process, Usage *ret);
void usage_done(Usage *usage);
/* Looks at one fd, whose link reads `target`. */
int usage_look(Reading *reading, Usage *usage, int fds_fd, const char *number, const char *target);
int usage_look_at_maps(Reading *reading, Usage *usage);
/* It cannot be looked into: it may use anything. */
void usage_is_unknown(const Reading *reading, Usage *usage);
/* Notes it with the devices. */
int usage_conclude(Reading *reading, Usage *usage);

/* process-fd.c: what only the kernel can tell of a process's file. Tests have no such files, and play this part. */

typedef struct FileFacts {
        mode_t mode;
        dev_t dev, rdev;
        bool is_network_socket; /* or one of which it is not known */
} FileFacts;

int process_fd_look(int fds_fd, const char *number, FileFacts *ret);
/* On a file system that is memory and nothing else; it may block where the file system is remote. */
bool process_fd_is_in_memory(int fds_fd, const char *number);
