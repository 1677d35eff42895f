/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "basic/cleanup.h"
#include "basic/io.h"
#include "basic/kernel-fs.h"
#include "luo/abi-internal.h"
#include "luo/fdt.h"

#define TREE_BYTES_MAX (1U << 20)
#define VERSION_DIGITS_MAX 9

/* What registers with liveupdate_register_file_handler(): in Linux 7.3 memfd alone, the others in patches that are
 * not merged yet. Not handlers are kho-, luo-, memblock- and reserve-mem-v*, which are trees, and hugetlb-, pci- and
 * iommu-liveupdate-v*, which are data that files share (FLB). */
static const struct {
        const char *family;
        bool may_be_module;
} handlers[] = {
        { "memfd", false }, /* CONFIG_LIVEUPDATE_MEMFD is bool: mm/memfd_luo.c */
        { "guest_memfd_luo", true },
        { "iommufd", true },
        { "kvm_vcpu_luo", true },
        { "kvm_vm_luo", true },
        { "vfio-pci", true },
};

bool abi_name_split(const char *name, size_t *ret_family, uint64_t *ret_version) {
        size_t length = strlen(name), digits = 0;

        while (digits < length && name[length - digits - 1] >= '0' && name[length - digits - 1] <= '9')
                digits++;
        if (length > LUO_ABI_BYTES_MAX || digits == 0 || digits > VERSION_DIGITS_MAX || length < digits + 3 ||
                        name[length - digits - 1] != 'v' || !strchr("-_", name[length - digits - 2]))
                return false;
        *ret_family = length - digits - 2;
        *ret_version = strtoull(name + length - digits, NULL, 10);
        return true;
}

bool abi_name_is_of(const char *name, const char *family) {
        uint64_t version;
        size_t length;

        return abi_name_split(name, &length, &version) && strlen(family) == length && memcmp(name, family, length) == 0;
}

static bool take_name(const char *text, size_t size, const char *family, LuoAbiName ret) {
        size_t length = strnlen(text, size);
        LuoAbiName name = {};

        if (length == size || length > LUO_ABI_BYTES_MAX)
                return false;
        memcpy(name, text, length);
        if (!abi_name_is_of(name, family))
                return false;
        memcpy(ret, name, sizeof(name));
        return true;
}

/* KHO shows its outgoing tree as long as it was when the first sub tree was not in it yet, so the names, behind all else,
 * are cut off; but "compatible" is its first property: kexec_handover.c:kho_init(), kho_out_fdt_setup(). */
bool abi_name_from_tree(const char *blob, size_t size, const char *family, LuoAbiName ret) {
        const char *value;
        size_t bytes;
        int r;

        r = fdt_root_property(blob, size, "compatible", &value, &bytes);
        if (r == -ENODATA)
                r = fdt_root_first_property(blob, size, &value, &bytes);
        if (r >= 0)
                return take_name(value, bytes, family, ret);
        return take_name(blob, size, family, ret);
}

static bool tree_read(int debugfs_fd, const char *path, const char *family, LuoAbiName ret) {
        _cleanup_free_ char *blob = NULL;
        size_t size;

        return read_file_at(debugfs_fd, path, TREE_BYTES_MAX, &blob, &size) >= 0 &&
                        abi_name_from_tree(blob, size, family, ret);
}

void luo_abi_of_running_kernel(const char *root, LuoAbi *ret) {
        _cleanup_fd_ int fd = kernel_fs_open(root, KERNEL_FS_DEBUG);

        *ret = (LuoAbi) {};
        if (fd < 0)
                return;
        /* A kernel that took something over shows no tree of its own (kexec_handover.c:kho_init() returns early), but
         * the one it took over, which it could not have read in another version. Not so LUO's: it is freed then. */
        if (!tree_read(fd, "kho/out/fdt", "kho", ret->kho))
                (void) tree_read(fd, "kho/in/fdt", "kho", ret->kho);
        (void) tree_read(fd, "kho/out/sub_fdts/LUO", "luo", ret->luo);
}

static size_t handler_index(const char *name) {
        size_t i = 0;

        while (i < ELEMENTSOF(handlers) && !abi_name_is_of(name, handlers[i].family))
                i++;
        return i;
}

bool abi_handler_is_known(const char *name) {
        return handler_index(name) < ELEMENTSOF(handlers);
}

bool abi_handler_may_be_module(const char *name) {
        size_t i = handler_index(name);

        return i < ELEMENTSOF(handlers) && handlers[i].may_be_module;
}

/* The newest, should a kernel ever name several. */
static void take_newest(const char *name, LuoAbiName ret) {
        uint64_t version, earlier;
        size_t length;

        if (*ret && abi_name_split(ret, &length, &earlier) && abi_name_split(name, &length, &version) &&
                        version <= earlier)
                return;
        memset(ret, 0, sizeof(LuoAbiName));
        memcpy(ret, name, strlen(name));
}

static void take_handler(const char *name, LuoAbi *abi) {
        for (size_t i = 0; i < abi->n_handlers; i++)
                if (strcmp(abi->handlers[i], name) == 0)
                        return;
        if (abi->n_handlers < LUO_ABI_HANDLERS_MAX)
                memcpy(abi->handlers[abi->n_handlers++], name, strlen(name));
}

void luo_abi_from_strings(char *const *strings, size_t n_strings, LuoAbi *ret) {
        *ret = (LuoAbi) { .knows_handlers = true };
        for (size_t i = 0; i < n_strings; i++) {
                if (abi_name_is_of(strings[i], "kho"))
                        take_newest(strings[i], ret->kho);
                else if (abi_name_is_of(strings[i], "luo"))
                        take_newest(strings[i], ret->luo);
                else if (abi_handler_is_known(strings[i]))
                        take_handler(strings[i], ret);
        }
}
