/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What makes a device quiet. All of it can block, and is done on a thread of the device's own. */

#include <errno.h>
#include <unistd.h>

#include "basic/clock.h"
#include "basic/io.h"
#include "drain/drain-internal.h"

#define PENDING_SLEEP_USEC_MIN 100U
#define PENDING_SLEEP_USEC_MAX (100U * 1000)

static int take_links_down(DrainDevice *d) {
        int error = 0;

        for (size_t i = 0; i < d->device->n_interfaces; i++) {
                const DeviceInterface *interface = &d->device->interfaces[i];
                int r = interface->is_up ? d->capture->setup->link_set_up(interface->index, false) : 0;

                if (r < 0 && r != -ENODEV && error == 0)
                        error = r;
        }
        return error;
}

static int unbind(DrainDevice *d) {
        char path[DRAIN_PATH_MAX], bound[DRAIN_PATH_MAX];
        int r;

        if (!d->device->driver)
                return 0;
        driver_path(d, "unbind", path);
        r = write_file(path, d->device->address);
        if (r != -ENODEV && r != -ENOENT)
                return r;
        device_bound_driver(d, bound);
        return *bound ? r : 0; /* somebody else has unbound it */
}

/* Not under a driver that knows its device in another state (e1000e), or waits for ever where an interface is down
 * (igbvf_io_prepare()). VFIO's expect it, and cannot be unbound while somebody holds the device. */
static int reset(DrainDevice *d) {
        char path[DRAIN_PATH_MAX];
        int r;

        d->work.stage = STAGE_UNBIND;
        r = device_is_vfio(d->device) ? 0 : unbind(d);
        if (r < 0)
                return r;
        d->work.stage = STAGE_RESET;
        device_path(d, "reset", path);
        r = write_file(path, "1");
        d->work.was_reset |= r >= 0;
        return r;
}

static int turn_master_off(DrainDevice *d) {
        PciState state;
        int r;

        if (d->capture->is_locked)
                return 0;
        r = config_set_bus_master(d->config_fd, false);
        if (r >= 0)
                r = pci_state_read(d->config_fd, d->status_offset, &state);
        return r >= 0 && state.bus_master && !state.is_gone ? -EIO : r;
}

/* Nothing tells when they end: drivers/pci/pci.c:pci_wait_for_pending() looks again and again, too. */
static int wait_transactions(DrainDevice *d) {
        uint64_t deadline_usec = now_usec(CLOCK_MONOTONIC) + d->capture->timeout_usec;

        for (useconds_t sleep_usec = PENDING_SLEEP_USEC_MIN;;) {
                PciState state;
                int r = pci_state_read(d->config_fd, d->status_offset, &state);

                if (r < 0 || state.is_gone || !state.is_pending)
                        return r < 0 ? r : state.is_gone ? -ENODEV : 0;
                if (d->work.is_given_up)
                        return -ECANCELED;
                if (now_usec(CLOCK_MONOTONIC) >= deadline_usec)
                        return -ETIMEDOUT;
                usleep(sleep_usec);
                sleep_usec = sleep_usec * 2 < PENDING_SLEEP_USEC_MAX ? sleep_usec * 2 : PENDING_SLEEP_USEC_MAX;
        }
}

#define POLICY_BIT(policy) (1U << (policy))

/* In this order. What fails is told, and the rest is done all the same. */
static const struct {
        DrainStage stage;
        unsigned policies;
        int (*run)(DrainDevice *d);
} steps[] = {
        { STAGE_LINKS, POLICY_BIT(POLICY_QUIET), take_links_down },
        { STAGE_UNBIND, POLICY_BIT(POLICY_UNBIND), unbind },
        { STAGE_RESET, POLICY_BIT(POLICY_RESET), reset },
        { STAGE_MASTER_OFF, ~0U, turn_master_off },
        { STAGE_PENDING, ~0U, wait_transactions },
};

DevicePolicy policy_not_preserved(const Device *device) {
        return device->can_reset ? POLICY_RESET : POLICY_MASTER_OFF;
}

static int run_steps(DrainDevice *d) {
        DevicePolicy policy = d->policy == POLICY_PRESERVE ? policy_not_preserved(d->device) : d->policy;
        int error = 0;

        for (size_t i = 0; i < ELEMENTSOF(steps); i++) {
                int r;

                if (!(steps[i].policies & POLICY_BIT(policy)))
                        continue;
                d->work.stage = (int) steps[i].stage;
                r = steps[i].run(d);
                if (r < 0 && error == 0) {
                        error = r;
                        d->work.failed_stage = (DrainStage) d->work.stage;
                }
                if (r < 0 && device_is_gone(d, d->config_fd))
                        return error;
                if (d->work.is_given_up)
                        return error < 0 ? error : -ECANCELED;
        }
        return error;
}

int device_drain(void *data) {
        DrainDevice *d = data;
        uint64_t began_usec = now_usec(CLOCK_MONOTONIC);
        int r = run_steps(d);

        d->work.is_gone = r < 0 && device_is_gone(d, d->config_fd);
        d->work.took_usec = now_usec(CLOCK_MONOTONIC) - began_usec;
        return r;
}
