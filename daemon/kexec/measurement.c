/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "basic/cleanup.h"
#include "basic/kernel-fs.h"
#include "kexec/fit.h"
#include "kexec/kernel-config.h"

/* security/integrity/ima/Kconfig: IMA_KEXEC_EXTRA_MEMORY_KB */
#define EXTRA_KIB_MAX 40U
#define EXTRA_BYTES_USUAL 2048U

static bool hands_on_measurements(const char *root, uint64_t *ret_extra_bytes) {
        _cleanup_fd_ int root_fd = open(*root ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        _cleanup_free_ char *config = NULL;
        unsigned long extra_kib;

        if (root_fd < 0 || kernel_config_read(root_fd, &config) < 0 || !kernel_config_has(config, "CONFIG_IMA_KEXEC"))
                return false;
        extra_kib = strtoul(kernel_config_value(config, "CONFIG_IMA_KEXEC_EXTRA_MEMORY_KB"), NULL, 10);
        if (extra_kib > EXTRA_KIB_MAX)
                extra_kib = EXTRA_KIB_MAX;
        *ret_extra_bytes = extra_kib > 0 ? extra_kib * 1024 : EXTRA_BYTES_USUAL;
        return true;
}

/* It has the size that the kernel counts in ima_queue.c:get_binary_runtime_size(). */
static int list_bytes(int fd, uint64_t *ret) {
        char buffer[16384];
        ssize_t n;

        while ((n = read(fd, buffer, sizeof(buffer))) != 0) {
                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n > 0)
                        *ret += (uint64_t) n;
        }
        return 0;
}

/* security/integrity/ima/ima_kexec.c:ima_add_kexec_buffer() */
uint64_t kexec_measurement_bytes(const char *root) {
        _cleanup_fd_ int security_fd = -EBADF, fd = -EBADF;
        uint64_t bytes;

        if (!hands_on_measurements(root, &bytes))
                return 0;
        security_fd = kernel_fs_open(root, KERNEL_FS_SECURITY);
        if (security_fd < 0)
                return 0;
        fd = openat(security_fd, "ima/binary_runtime_measurements", O_RDONLY | O_CLOEXEC);
        return fd < 0 || list_bytes(fd, &bytes) < 0 ? 0 : bytes;
}
