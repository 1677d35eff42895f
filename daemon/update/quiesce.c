/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The step in which the host calms down while the guests run: ordinary services stop, tmpfs are packed, file systems
 * are synced, devices that nobody needs are drained, the kernel is told to log its shutdown. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/log.h"
#include "update/devices.h"
#include "update/host.h"
#include "update/manager.h"
#include "update/update-internal.h"

static int run_sync(void *unused) {
        sync();
        return 0;
}

static void on_synced(int error, void *userdata) {
        Update *update = userdata;
        int r = 0;

        update->sync = task_free(update->sync);
        update->deadline = sd_event_source_disable_unref(update->deadline);
        if (error < 0)
                (void) update_explain(update, error, "cannot sync the file systems: %s", strerror(-error));
        else
                r = devices_drain(update, DRAIN_ROUND_EARLY);
        if (error >= 0 && r == 0)
                r = bystanders_pause(update);
        if (r <= 0)
                update_step_done(update);
}

/* So that there is little left to write when the file systems are frozen. */
static int start_sync(Update *update) {
        int r = update_arm_deadline(update, update->manager->config->quiesce_timeout_usec,
                        "the sync of the file systems");

        if (r >= 0)
                r = task_start(update->manager->event, run_sync, NULL, NULL, on_synced, update, &update->sync);
        return r < 0 ? r : 1;
}

static void on_packed(int error, void *userdata) {
        Update *update = userdata;

        if (update->is_undoing)
                return;
        if (error >= 0)
                error = start_sync(update);
        if (error > 0)
                return;
        (void) update_explain(update, error, "cannot sync the file systems: %s", strerror(-error));
        update_step_done(update);
}

static int pack_or_sync(Update *update) {
        int r = update_arm_deadline(update, update->manager->config->quiesce_timeout_usec,
                        "the packing of PreserveTmpfs=");

        if (r >= 0)
                r = host_pack(update, on_packed);
        return r != 0 ? r : start_sync(update);
}

static void on_services_stopped(int error, const char *why, void *userdata) {
        Update *update = userdata;

        if (update->is_undoing)
                return;
        if (error >= 0)
                error = pack_or_sync(update);
        if (error >= 0)
                return;
        (void) update_explain(update, error, "%s", why ?: strerror(-error));
        update_step_done(update);
}

static void on_services_listed(int fd, void *userdata) {
        int r = store_keep(STORE_SERVICES, fd);

        if (r < 0)
                log_warning_errno(r, "If this daemon dies in the update, nobody will start the services again: %m");
}

static int stop_services(Update *update) {
        const Manager *manager = update->manager;
        _cleanup_free_ pid_t *keep = NULL;
        size_t n = 0;
        int r;

        if (!manager->config->stop_services)
                return 0;
        keep = calloc(registry_size(manager->registry) + 1, sizeof(*keep));
        if (!keep)
                return -ENOMEM;
        for (Workload *w = NULL; (w = registry_next(manager->registry, w));)
                if (update_takes_part(update, w))
                        keep[n++] = workload_pid(w);
        r = services_stop(manager->event, keep, n, manager->config->quiesce_timeout_usec, on_services_stopped, update,
                        &update->services);
        if (r > 0)
                services_on_listed(update->services, on_services_listed, update);
        return r;
}

static int calm_down(Update *update) {
        int r = stop_services(update);

        if (r < 0)
                return update_explain(update, r, "cannot stop the services: %s", strerror(-r));
        return r > 0 ? 1 : pack_or_sync(update); /* the former has a time limit of its own, which names who is late */
}

static void on_measured(int error, void *userdata) {
        Update *update = userdata;
        bool is_required = update->manager->config->measure_image == MEASURE_REQUIRE;
        int r = 0;

        update->extension = task_free(update->extension);
        if (update->is_undoing)
                return;
        if (error < 0 && is_required)
                (void) update_explain(update, error, "cannot measure the next kernel: %s", strerror(-error));
        else
                r = calm_down(update);
        if (r < 0)
                (void) update_explain(update, r, "cannot calm the host down: %s", strerror(-r));
        if (r <= 0)
                update_step_done(update);
}

int quiesce_run(Update *update) {
        int r;

        r = timeline_trace_shutdown(true, &update->manifest.trace);
        if (r < 0)
                log_warning_errno(r, "The kernel will not log its shutdown, so it cannot be told from the jump: %m");
        r = manifest_write(&update->manifest, update->manifest_fd, update->manifest_tail);
        if (r < 0)
                return update_explain(update, r, "cannot write the manifest: %s", strerror(-r));

        r = update_extend_pcrs(update, on_measured);
        if (r == -ENODATA)
                return update_explain(update, r, "the kernel was staged before MeasureImage=require, stage it anew");
        if (r < 0)
                return update_explain(update, r, "cannot measure the next kernel: %s", strerror(-r));
        return r > 0 ? 1 : calm_down(update);
}

static void on_services_started(int error, const char *why, void *userdata) {
        if (error < 0)
                log_error("Not all services run again: %s", why ?: strerror(-error));
        update_step_done(userdata);
}

static int start_services(Update *update) {
        int r;

        if (!update->services)
                return 0;
        r = services_start(update->services, update->manager->config->quiesce_timeout_usec, on_services_started,
                        update);
        if (r < 0)
                log_error_errno(r, "Cannot start the services again that were stopped: %m");
        return r > 0;
}

/* Services come after the devices they may need. */
void quiesce_undo_services(Update *update) {
        if (start_services(update) == 0)
                update_step_done(update);
}

int quiesce_undo_devices(Update *update) {
        return devices_undo(update, DRAIN_ROUND_EARLY) > 0 ? 1 : start_services(update);
}

int quiesce_undo(Update *update) {
        Timeline *timeline = &update->manifest.timeline;

        if (!update->is_inherited && timeline->start_tsc[PHASE_PAUSE] > 0)
                timeline->end_tsc = tsc_now(); /* the workloads run again */
        update->sync = task_free(update->sync);
        update->extension = task_free(update->extension);
        host_pack_stop(update);
        (void) timeline_trace_shutdown(false, &update->manifest.trace);
        return bystanders_resume(update) > 0 ? 1 : quiesce_undo_devices(update);
}
