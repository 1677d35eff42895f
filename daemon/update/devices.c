/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an update does with the host's devices under the old kernel: takes stock while guests run, drains in two rounds,
 * verifies, undoes. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "basic/log.h"
#include "update/devices.h"
#include "update/story.h"

int devices_read(Manager *manager, Inventory **ret) {
        _cleanup_free_ WorkloadProcess *processes = calloc(registry_size(manager->registry) + 1, sizeof(*processes));
        size_t n = 0;

        if (!processes)
                return -ENOMEM;
        for (Workload *w = NULL; (w = registry_next(manager->registry, w));)
                processes[n++] = (WorkloadProcess) { .name = workload_name(w), .pid = workload_pid(w) };
        return inventory_read("", processes, n, ret);
}

DrainOptions devices_options(const Config *config) {
        return (DrainOptions) {
                .rules = config->device_rules,
                .n_rules = config->n_device_rules,
                .timeout_usec = config->drain_timeout_usec,
        };
}

/* prepare */

static int take_fd(pid_t pid, int fd) {
        _cleanup_fd_ int pid_fd = (int) syscall(SYS_pidfd_open, pid, 0);
        int taken = pid_fd < 0 ? -1 : (int) syscall(SYS_pidfd_getfd, pid_fd, fd, 0);

        return taken < 0 ? -errno : taken;
}

/* What a fd may be is the kernel's word: it is tried. */
static int preserve(Update *update, const Device *device) {
        const DeviceUser *user = device_vfio_user(device);
        _cleanup_fd_ int fd = -EBADF;
        Workload *w;

        if (!user || !user->workload || user->vfio_fd < 0)
                return -ENOENT;
        w = registry_get(update->manager->registry, user->workload);
        if (!w || !update_takes_part(update, w))
                return -ENOENT;
        fd = take_fd(user->pid, user->vfio_fd);
        return fd < 0 ? fd : workload_preserve_device(w, fd);
}

static void preserve_all(Update *update) {
        const Device *device = NULL;

        while ((device = drain_next_to_preserve(update->drain, device ? device->address : NULL))) {
                const DeviceUser *user = device_vfio_user(device);
                int r = preserve(update, device);

                if (r >= 0)
                        drain_preserved(update->drain, device->address);
                else
                        log_warning_errno(r, "%s, which %s has by VFIO, cannot be preserved and will be reset: %m",
                                        device->address, user->workload ?: user->comm);
        }
}

int devices_prepare(Update *update) {
        DrainOptions options = devices_options(update->manager->config);
        Inventory *inventory;
        int r;

        r = devices_read(update->manager, &inventory);
        if (r < 0)
                return update_explain(update, r, "cannot list the devices: %s", strerror(-r));
        r = drain_new(update->manager->event, inventory, &options, &update->drain);
        if (r < 0)
                return update_explain(update, r, "cannot note the state of the devices: %s", strerror(-r));
        preserve_all(update);
        devices_note(update); /* that they do not fit the manifest is better known now */
        store_drop(STORE_DEVICES);
        r = store_keep(STORE_DEVICES, drain_state_fd(update->drain));
        if (r < 0)
                log_warning_errno(r, "If this daemon dies in the update, nobody will bring the devices back: %m");
        return 0;
}

/* quiesce, drain */

/* A device that goes on writing to memory is a danger to the next kernel; the operator has the word. */
static int judge(Update *update, int error, const char *why) {
        if (error >= 0)
                return 0;
        if (update->manager->config->unsafe_devices == UNSAFE_DEVICES_WARN) {
                story_device_unsafe(update, why ?: strerror(-error));
                return 0;
        }
        return update_explain(update, error, "%s", why ?: strerror(-error));
}

static void on_drained(int error, const char *why, void *userdata) {
        Update *update = userdata;

        if (update->is_undoing)
                return;
        error = judge(update, error, why);
        if (error >= 0)
                error = update->phase == PHASE_DRAIN ? devices_verify(update) : bystanders_pause(update);
        if (error <= 0)
                update_step_done(update);
}

int devices_drain(Update *update, DrainRound round) {
        int r = drain_round(update->drain, round, on_drained, update);

        return r < 0 ? update_explain(update, r, "cannot drain the devices: %s", strerror(-r)) : r;
}

int devices_verify(Update *update) {
        _cleanup_free_ char *why = NULL;
        int r = drain_verify(update->drain, &why);

        r = judge(update, r, why);
        if (r < 0)
                return r;
        devices_note(update);
        return update->manifest.devices ? 0 : update_explain(update, -ENOMEM, "there is no memory for the manifest");
}

static void on_undone(int error, const char *why, void *userdata) {
        Update *update = userdata;

        if (error < 0)
                log_error("A device is not as it was before: %s", why ?: strerror(-error));
        if (update->phase == PHASE_DRAIN)
                update_step_done(update);
        else
                quiesce_undo_services(update);
}

int devices_undo(Update *update, DrainRound round) {
        int r = update->drain ? drain_undo(update->drain, round, on_undone, update) : 0;

        if (r < 0)
                log_error_errno(r, "Cannot bring the devices back: %m");
        return r > 0;
}

void devices_note(Update *update) {
        if (!update->drain)
                return;
        json_object_put(update->manifest.devices);
        update->manifest.devices = drain_to_json(update->drain);
}
