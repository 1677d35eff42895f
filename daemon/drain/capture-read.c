/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a device is like before anything is done with it. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "basic/io.h"
#include "basic/kernel-fs.h"
#include "basic/log.h"
#include "drain/drain-internal.h"

static int config_read(DrainDevice *d) {
        unsigned char config[256];
        MessageInterrupts msi;
        PciState state;
        bool has_status;
        ssize_t n;

        n = pread(d->config_fd, config, sizeof(config), 0);
        if (n < 64)
                return n < 0 ? -errno : -EIO;
        pci_state_parse(config, (size_t) n, &state, &msi, &has_status, &d->status_offset);
        if (state.is_gone)
                return -ENODEV;
        d->was_bus_master = state.bus_master;
        return 0;
}

static int device_read(DrainDevice *d) {
        char path[DRAIN_PATH_MAX];
        int r;

        device_path(d, "config", path);
        d->config_fd = open(path, (d->capture->is_locked ? O_RDONLY : O_RDWR) | O_CLOEXEC);
        r = d->config_fd < 0 ? -errno : config_read(d);
        if (r >= 0)
                r = device_driver_override(d, &d->driver_override);
        return r;
}

static int network_read(Capture *capture) {
        for (size_t i = 0; i < capture->n; i++) {
                int r;

                if (capture->devices[i].round < 0 || capture->devices[i].device->n_interfaces == 0)
                        continue;
                r = capture->setup->capture(&capture->network);
                return r < 0 ? log_error_errno(r, "Cannot note what the network is like: %m") : 0;
        }
        return 0;
}

int capture_read(Capture *capture) {
        for (size_t i = 0; i < capture->n; i++) {
                DrainDevice *d = &capture->devices[i];
                int r = d->round < 0 ? 0 : device_read(d);

                if (r == -ENODEV || r == -ENOENT) {
                        log_warning("%s is gone, it is not drained.", d->device->address);
                        d->config_fd = fd_close(d->config_fd);
                        d->round = -1;
                        d->outcome = OUTCOME_GONE;
                } else if (r < 0)
                        return log_error_errno(r, "Cannot open the configuration space of %s: %m", d->device->address);
        }
        return network_read(capture);
}

/* security/lockdown/lockdown.c:lockdown_read() shows the level in brackets; drivers/pci/pci-sysfs.c:pci_write_config()
 * refuses under either of the two others. */
bool drain_is_locked(const char *root) {
        _cleanup_fd_ int fd = kernel_fs_open(root, KERNEL_FS_SECURITY);
        _cleanup_free_ char *text = NULL;

        return fd >= 0 && read_file_at(fd, "lockdown", 256, &text, NULL) >= 0 && !strstr(text, "[none]");
}
