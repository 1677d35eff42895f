/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A machine's sysfs and proc, as far as an inventory reads them, below a temporary root. */

#include <linux/pci_regs.h>
#include <stdarg.h>

#include "basic/io.h"
#include "drain/device.h"
#include "temporary-root.h"

#define ROOT_BUS "pci0000:00/"
#define SELF_MOUNTS "/proc/self/mountinfo"

/* Static, overwritten by the fourth after it. */
static inline const char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline const char *text(const char *format, ...) {
        static char texts[4][256];
        static size_t next;
        char *t = texts[next++ % 4];
        va_list ap;

        va_start(ap, format);
        ck_assert_int_lt(vsnprintf(t, sizeof(texts[0]), format, ap), (int) sizeof(texts[0]));
        va_end(ap);
        return t;
}

static inline void root_mkdir(const char *path) {
        root_put(text("%s/.made", path), "");
        ck_assert_int_eq(unlink(root_path(text("%s/.made", path))), 0);
}

/* Makes the directories on the way, too. */
static inline void root_link(const char *target, const char *path) {
        _cleanup_free_ char *parent = strdup(path);

        *strrchr(parent, '/') = 0;
        root_mkdir(parent);
        ck_assert_int_eq(symlink(target, root_path(path)), 0);
}

/* A link in a directory of sysfs, so many levels below /sys, to sys/devices/WHERE. */
static inline void sysfs_link(const char *where, const char *path) {
        char up[64] = "";

        for (const char *p = path + strlen("/sys/"); (p = strchr(p, '/')); p++)
                strcat(up, "../");
        root_link(text("%sdevices/%s", up, where), path);
}

/* Configuration space with a PCI Express capability at 0x40 and MSI-X at 0x80. */
static inline void config_build(unsigned char config[256], unsigned command, bool is_pending) {
        memset(config, 0, 256);
        config[PCI_COMMAND] = (unsigned char) command;
        config[PCI_STATUS] = PCI_STATUS_CAP_LIST;
        config[PCI_CAPABILITY_LIST] = 0x40;
        config[0x40] = PCI_CAP_ID_EXP;
        config[0x41] = 0x80;
        config[0x40 + PCI_EXP_DEVSTA] = is_pending ? PCI_EXP_DEVSTA_TRPND : 0;
        config[0x80] = PCI_CAP_ID_MSIX;
        config[0x80 + PCI_MSIX_FLAGS + 1] = PCI_MSIX_FLAGS_ENABLE >> 8;
}

/* `where` is below /sys/devices and ends with the address. Bus master is on. */
static inline void put_function(const char *where, unsigned class_code, const char *driver) {
        const char *address = strrchr(where, '/') + 1;
        unsigned char config[256];

        config_build(config, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, false);
        root_put(text("/sys/devices/%s/class", where), text("0x%06x\n", class_code));
        root_put(text("/sys/devices/%s/vendor", where), "0x8086\n");
        root_put(text("/sys/devices/%s/device", where), "0x10d3\n");
        root_put_bytes(text("/sys/devices/%s/config", where), config, sizeof(config));
        if (driver)
                root_link(text("../../../bus/pci/drivers/%s", driver), text("/sys/devices/%s/driver", where));
        sysfs_link(where, text("/sys/bus/pci/devices/%s", address));
}

static inline void put_group(const char *where, unsigned group, const char *type) {
        root_link(text("../../../kernel/iommu_groups/%u", group), text("/sys/devices/%s/iommu_group", where));
        root_put(text("/sys/kernel/iommu_groups/%u/type", group), type);
}

/* `where` ends with "net/NAME". */
static inline void put_netdev(const char *where, unsigned index, bool is_up) {
        root_put(text("/sys/devices/%s/ifindex", where), text("%u\n", index));
        root_put(text("/sys/devices/%s/flags", where), is_up ? "0x1003\n" : "0x1002\n");
        sysfs_link(where, text("/sys/class/net/%s", strrchr(where, '/') + 1));
}

/* Both `where`s as for put_netdev(). */
static inline void put_upper(const char *lower, const char *upper) {
        root_link("elsewhere", text("/sys/devices/%s/upper_%s", lower, strrchr(upper, '/') + 1));
        root_link("elsewhere", text("/sys/devices/%s/lower_%s", upper, strrchr(lower, '/') + 1));
}

/* `where` ends with the name of the block device. */
static inline void put_block(const char *where, const char *dev) {
        root_put(text("/sys/devices/%s/dev", where), dev);
        sysfs_link(where, text("/sys/class/block/%s", strrchr(where, '/') + 1));
}

static inline void put_partition(const char *where, const char *dev) {
        put_block(where, dev);
        root_put(text("/sys/devices/%s/partition", where), "1\n");
}

static inline void put_mapped(const char *name, const char *dev, const char *slave) {
        put_block(text("virtual/block/%s", name), dev);
        root_link("elsewhere", text("/sys/devices/virtual/block/%s/slaves/%s", name, slave));
}

/* A machine without anything, that runs from memory. */
static inline void put_machine(void) {
        root_mkdir("/sys/devices");
        root_put(SELF_MOUNTS, "1 1 0:2 / / rw - rootfs rootfs rw\n");
        root_link("net:[1]", "/proc/self/ns/net");
}

static inline Inventory *read_with(const WorkloadProcess *workloads, size_t n) {
        Inventory *inventory = NULL;

        ck_assert_int_eq(inventory_read(root, workloads, n, &inventory), 0);
        ck_assert_ptr_nonnull(inventory);
        return inventory;
}

static inline const Device *get(const Inventory *inventory, const char *address) {
        const Device *device = inventory_find(inventory, address);

        ck_assert_msg(device, "%s is not there", address);
        return device;
}

/* The strings, each followed by a space; "" for NULL. */
static inline const char *joined(char *const *list) {
        static char all[512];

        all[0] = 0;
        for (size_t i = 0; list && list[i]; i++)
                strcat(strcat(all, list[i]), " ");
        return all;
}
