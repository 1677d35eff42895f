/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The steps under the old kernel, in the order of the table in update.c. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <systemd/sd-id128.h>

#include "basic/io.h"
#include "basic/json.h"
#include "basic/log.h"
#include "luo/luo.h"
#include "update/devices.h"
#include "update/host.h"
#include "update/manager.h"
#include "update/story.h"
#include "update/update-internal.h"

#define DEVICE_WAIT_USEC (2ULL * 1000 * 1000) /* somebody else has it for a moment, systemd for instance */

static int manifest_begin(Manifest *manifest, const Manager *manager) {
        sd_id128_t id, boot_id;
        struct utsname names;
        int r;

        r = sd_id128_randomize(&id);
        if (r < 0)
                return r;
        r = sd_id128_get_boot(&boot_id);
        if (r < 0)
                return r;
        (void) uname(&names);

        manifest->id = strdup(SD_ID128_TO_STRING(id));
        manifest->from_boot_id = strdup(SD_ID128_TO_STRING(boot_id));
        manifest->from_release = strdup(names.release);
        manifest->to_release = manager->staged->release ? strdup(manager->staged->release) : NULL;
        manifest->checksum_skip = manager->staged->load.checksum_skip;
        manifest->checksum_skip_evidence = strdup(manager->staged->load.evidence);
        manifest->workloads = calloc(registry_size(manager->registry) + 1, sizeof(char *));
        if (!manifest->id || !manifest->from_boot_id || !manifest->from_release ||
                        !manifest->checksum_skip_evidence || !manifest->workloads)
                return -ENOMEM;
        return 0;
}

static int manifest_add_workloads(Manifest *manifest, Registry *registry) {
        size_t n = 0;

        for (Workload *w = NULL; (w = registry_next(registry, w));) {
                if (workload_state(w) != WORKLOAD_RUNNING || workload_problem(w))
                        continue; /* the caller allowed its loss, or there would be no update */
                manifest->workloads[n] = strdup(workload_name(w));
                if (!manifest->workloads[n++])
                        return -ENOMEM;
        }
        return 0;
}

int update_begin(Manager *manager, VarlinkCall *call, bool is_automatic) {
        Update *update;
        int r;

        r = update_new(manager, PHASE_PREPARE, &update);
        if (r < 0)
                return r;
        r = manifest_begin(&update->manifest, manager);
        if (r >= 0)
                r = manifest_add_workloads(&update->manifest, manager->registry);
        if (r < 0) {
                update_free(update);
                return r;
        }
        update->call = varlink_call_ref(call);
        update->is_automatic = is_automatic;
        manager->settle = sd_event_source_disable_unref(manager->settle);
        story_committed(update);
        update_start(update);
        return 0;
}

/* prepare: guests run */

static int sessions_create(Update *update) {
        _cleanup_fd_ int device_fd = luo_device_open(DEVICE_WAIT_USEC);

        if (device_fd < 0)
                return update_explain(update, device_fd, "cannot open " LUO_DEVICE ": %s", strerror(-device_fd));
        update->manifest_session_fd = luo_session_create(device_fd, MANIFEST_SESSION);
        if (update->manifest_session_fd < 0)
                return update_explain(update, update->manifest_session_fd,
                                "cannot create a session for the manifest: %s", strerror(-update->manifest_session_fd));
        for (Workload *w = NULL; (w = registry_next(update->manager->registry, w));) {
                int r = update_takes_part(update, w) ? workload_create_session(w, device_fd) : 0;

                if (r < 0)
                        return update_explain(update, r, "cannot create a session for %s: %s", workload_name(w),
                                        strerror(-r));
        }
        return 0;
}

/* In the store, too, so that a successor of this process knows that there is something to be undone. */
static int manifest_preserve(Update *update) {
        int r;

        r = manifest_create(&update->manifest, &update->manifest_fd, &update->manifest_tail);
        if (r == -E2BIG)
                return update_explain(update, r, "the state of the host is too large to be carried, more than %u MiB; "
                                                 "ReconcileNetwork=workloads or off takes less of it",
                                MANIFEST_BYTES_MAX >> 20);
        if (r >= 0)
                r = luo_session_preserve(update->manifest_session_fd, MANIFEST_TOKEN, update->manifest_fd);
        if (r >= 0)
                r = host_seed_prepare(update);
        if (r >= 0)
                r = manifest_write(&update->manifest, update->manifest_fd, update->manifest_tail);
        if (r < 0)
                return update_explain(update, r, "cannot preserve the manifest: %s", strerror(-r));
        r = store_keep(STORE_MANIFEST, update->manifest_fd);
        if (r < 0)
                log_warning_errno(r, "If this daemon dies in the update, nobody will undo it: %m");
        return 0;
}

static void on_captured(int error, void *userdata) {
        Update *update = userdata;

        if (update->is_undoing)
                return;
        update->deadline = sd_event_source_disable_unref(update->deadline);
        if (error >= 0)
                error = manifest_preserve(update);
        if (error < 0)
                (void) update_explain(update, error, "cannot read the state of the host: %s", strerror(-error));
        else
                error = update_for_each_workload(update, workload_prepare);
        if (error <= 0)
                update_step_done(update);
}

int prepare_run(Update *update) {
        ClockSample began = clock_sample();
        int r;

        wall_clock_take(NULL, &update->clock_began);
        r = sessions_create(update);
        if (r >= 0)
                r = devices_prepare(update);
        if (r < 0)
                return r;
        update->manifest.timeline.tsc_hz = clock_tsc_hz(began);
        r = update_arm_deadline(update, update->manager->config->quiesce_timeout_usec, "reading the state of the host");
        if (r >= 0)
                r = host_capture(update, on_captured);
        return r < 0 ? update_explain(update, r, "cannot read the state of the host: %s", strerror(-r)) : r;
}

/* Undoes for the workloads what any of the steps from prepare to save did, so it is no matter how far they came. */
int prepare_undo(Update *update) {
        update->host_task = task_free(update->host_task);
        update->manifest_session_fd = fd_close(update->manifest_session_fd);
        update->manifest_fd = fd_close(update->manifest_fd);
        if (update->is_inherited)
                return 0; /* registry_inherit() did */
        return update_for_each_workload(update, workload_cancel);
}

/* pause, save: guests stand still */

/* A thread that is through comes before them all. */
#define PRIORITY_OF_CLIENTS_IN_BLACKOUT (SD_EVENT_PRIORITY_NORMAL + 10)

int pause_run(Update *update) {
        int r;

        (void) varlink_server_set_priority(update->manager->varlink, PRIORITY_OF_CLIENTS_IN_BLACKOUT);
        r = update_arm_deadline(update, update->manager->config->max_blackout_usec,
                        "the old side of the blackout");
        return r < 0 ? r : update_for_each_workload(update, workload_pause);
}

/* The devices are back already. */
int pause_undo(Update *update) {
        (void) varlink_server_set_priority(update->manager->varlink, SD_EVENT_PRIORITY_NORMAL);
        return update_for_each_workload(update, workload_cancel);
}

int save_run(Update *update) {
        return update_for_each_workload(update, workload_save);
}

/* drain */

int drain_run(Update *update) {
        int r = devices_drain(update, DRAIN_ROUND_LATE);

        if (r > 0) /* there is time, and a successor of this process knows how far it came */
                (void) manifest_write(&update->manifest, update->manifest_fd, update->manifest_tail);
        return r != 0 ? r : devices_verify(update);
}

int drain_take_back(Update *update) {
        return devices_undo(update, DRAIN_ROUND_LATE);
}

/* seal */

int seal_run(Update *update) {
        int r;

        (void) host_seed_draw(update);
        r = manifest_write(&update->manifest, update->manifest_fd, update->manifest_tail);
        if (r < 0)
                return update_explain(update, r, "cannot write the manifest: %s", strerror(-r));
        r = filesystems_freeze(&update->frozen);
        if (r < 0)
                return update_explain(update, r, "cannot freeze the file systems: %s", strerror(-r));
        return 0;
}

int seal_undo(Update *update) {
        host_seed_wipe(update);
        update->frozen = frozen_filesystems_thaw(update->frozen);
        return 0;
}

/* shutdown: nothing may write to a file system any more, the log included */

int shutdown_run(Update *update) {
        Timeline *timeline = &update->manifest.timeline;
        int r;

        r = kernel_log_mark(update->manifest.id, &timeline->start_tsc[PHASE_SHUTDOWN]);
        if (r < 0)
                timeline_begin(timeline, PHASE_SHUTDOWN);
        wall_clock_take(&update->clock_began, &update->manifest.clock);
        r = manifest_write(&update->manifest, update->manifest_fd, update->manifest_tail);
        if (r < 0)
                return update_explain(update, r, "cannot write the manifest: %s", strerror(-r));

        r = kexec_jump();
        return update_explain(update, r, "the kernel refused to jump: %s", strerror(-r));
}
