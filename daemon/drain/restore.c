/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What makes a device as it was. It compares first, and so it is no matter what was done with it. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "basic/io.h"
#include "drain/drain-internal.h"

/* A driver that was told its devices by new_id still knows them; one told by driver_override is asked again. */
static int restore_override(DrainDevice *d) {
        _cleanup_free_ char *now = NULL;
        char path[DRAIN_PATH_MAX];
        int r;

        d->work.stage = STAGE_OVERRIDE;
        r = device_driver_override(d, &now);
        if (r < 0 || strcmp(now, d->driver_override) == 0)
                return r;
        device_path(d, "driver_override", path);
        return write_file(path, *d->driver_override ? d->driver_override : "\n");
}

static int restore_driver(DrainDevice *d) {
        char path[DRAIN_PATH_MAX], bound[DRAIN_PATH_MAX];
        int r;

        if (!d->device->driver)
                return 0;
        device_bound_driver(d, bound);
        if (strcmp(bound, d->device->driver) == 0)
                return 0;
        r = restore_override(d);
        if (r < 0)
                return r;
        d->work.stage = STAGE_BIND;
        if (*bound)
                return -EBUSY; /* by another one */
        driver_path(d, "bind", path);
        return write_file(path, d->device->address);
}

/* Inherited, nothing but the bit tells how far it came: it is cleared by the reset, or after it. */
static bool was_reset_before(const DrainDevice *d, int config_fd) {
        DevicePolicy policy = d->policy == POLICY_PRESERVE ? policy_not_preserved(d->device) : d->policy;
        PciState state;

        return policy == POLICY_RESET && d->config_fd < 0 && pci_state_read(config_fd, 0, &state) >= 0 &&
                        !state.bus_master;
}

static int restore_master(DrainDevice *d, int config_fd) {
        d->work.stage = STAGE_MASTER_ON;
        if (!d->was_bus_master)
                return 0;
        d->work.was_reset |= was_reset_before(d, config_fd);
        return config_set_bus_master(config_fd, true);
}

static int restore(DrainDevice *d) {
        _cleanup_fd_ int config_fd = -EBADF;
        char path[DRAIN_PATH_MAX];
        int r;

        d->work.stage = STAGE_MASTER_ON;
        device_path(d, "config", path);
        config_fd = open(path, O_RDWR | O_CLOEXEC);
        r = config_fd < 0 ? -errno : 0;
        d->work.is_gone = device_is_gone(d, config_fd);
        if (d->work.is_gone)
                return -ENODEV;
        if (r >= 0)
                r = restore_driver(d);
        if (r >= 0)
                r = restore_master(d, config_fd);
        return r;
}

int device_restore(void *data) {
        DrainDevice *d = data;
        int r = restore(d);

        d->work.failed_stage = (DrainStage) d->work.stage;
        return r;
}

int capture_restore_rest(void *data) {
        Capture *capture = data;

        return capture->setup->restore(capture->network, capture->network_devices, &capture->network_why);
}
