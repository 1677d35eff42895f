/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The steps under the new kernel, in the order of the table in update.c. Each workload goes through them at its own
 * pace: it is loaded when its process has come up, and resumed as soon as it is loaded. As phases of the host they
 * end when the last one is through. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "basic/log.h"
#include "luo/luo.h"
#include "update/devices.h"
#include "update/host.h"
#include "update/manager.h"
#include "update/update-internal.h"

/* retrieve */

int retrieve_run(Update *update) {
        for (char **name = update->manifest.workloads; *name; name++) {
                _cleanup_free_ char *session = workload_session_name(*name);
                Workload *w;
                int fd, r;

                if (!session)
                        return -ENOMEM;
                fd = luo_session_retrieve(update->device_fd, session);
                if (fd < 0) {
                        log_error_errno(fd, "The session of %s did not come over: %m", *name);
                        continue;
                }
                r = registry_add_preserved(update->manager->registry, *name, fd, &w);
                if (r < 0)
                        log_error_errno(r, "%s cannot be restored: %s", *name, workload_problem(w) ?: strerror(-r));
        }
        update->device_fd = fd_close(update->device_fd);
        return 0;
}

/* restore, resume */

static bool any_workload_in(Update *update, WorkloadState a, WorkloadState b) {
        for (Workload *w = NULL; (w = registry_next(update->manager->registry, w));)
                if (workload_state(w) == a || workload_state(w) == b)
                        return true;
        return false;
}

static bool restore_is_over(Update *update) {
        return update->is_impatient || !any_workload_in(update, WORKLOAD_PRESERVED, WORKLOAD_RESTORING);
}

static bool resume_is_over(Update *update) {
        return !any_workload_in(update, WORKLOAD_LOADED, WORKLOAD_LOADED);
}

static void settle(Manager *manager) {
        Update *update = manager->update;

        if (!update || !update->is_new_side)
                return;
        if (update->phase == PHASE_RESTORE && restore_is_over(update))
                update_step_done(update);
        else if (update->phase == PHASE_RESUME && resume_is_over(update))
                update_step_done(update);
}

static void on_resumed(Workload *w, int error, const char *why, void *userdata) {
        Manager *manager = userdata;

        if (error < 0)
                log_error("%s is loaded but does not run: %s", workload_name(w), why ?: strerror(-error));
        else if (!manager->update && workload_is_preserved(w)) {
                log_notice("%s has come back, late.", workload_name(w));
                (void) workload_finish(w); /* the others finish_run() has finished */
        }
        settle(manager);
}

static void on_loaded(Workload *w, int error, const char *why, void *userdata) {
        Manager *manager = userdata;

        if (error < 0) {
                log_error("%s could not be restored, it stays preserved: %s", workload_name(w),
                                why ?: strerror(-error));
                workload_give_up(w, why ?: strerror(-error));
        } else if (host_restore_is_ready(manager->host))
                workload_resume(w, on_resumed, manager);
        settle(manager);
}

void update_host_ready(Manager *manager) {
        for (Workload *w = NULL; (w = registry_next(manager->registry, w));)
                if (workload_state(w) == WORKLOAD_LOADED && !workload_is_busy(w))
                        workload_resume(w, on_resumed, manager);
}

/* Under a restarted daemon it may be further than that. */
void update_workload_ready(Manager *manager, Workload *w) {
        if (workload_state(w) == WORKLOAD_RUNNING)
                on_resumed(w, 0, NULL, manager);
        else
                workload_load(w, on_loaded, manager);
}

static int on_impatient(sd_event_source *source, uint64_t usec, void *userdata) {
        Update *update = userdata;

        update->is_impatient = true;
        for (Workload *w = NULL; (w = registry_next(update->manager->registry, w));)
                if (workload_state(w) == WORKLOAD_PRESERVED || workload_state(w) == WORKLOAD_RESTORING)
                        log_error("%s has not come back within %llu s, it stays preserved. Start its unit.",
                                        workload_name(w),
                                        (unsigned long long) update->manager->config->restore_timeout_usec / 1000000);
        settle(update->manager);
        return 0;
}

/* Now is the time: the processes of the workloads take longer to come up, and systemd-pstore.service, which moves the
 * log away, starts after this daemon is ready. */
static void read_shutdown_log(Update *update) {
        const Timeline *timeline = &update->manifest.timeline;
        int r = shutdown_log_read(update->manifest.id, timeline->start_tsc[PHASE_SHUTDOWN], timeline->tsc_hz,
                        &update->shutdown_log);

        if (r < 0)
                log_warning_errno(r, "The old kernel left no log of its shutdown, the jump counts as shutdown: %m");
}

/* With the whole timeline, for a successor of this process. */
static void measure(Update *update) {
        int r;

        update->measure = sd_event_source_disable_unref(update->measure);
        update_measure(update);
        r = manifest_write(&update->manifest, update->manifest_fd, update->manifest_tail);
        if (r < 0)
                log_warning_errno(r, "A restart of this daemon would shorten the report: %m");
}

static int on_idle(sd_event_source *source, void *userdata) {
        measure(userdata);
        return 0;
}

/* It takes a while, in which workloads could already register; so it waits until there is nothing to do but wait. */
static void measure_later(Update *update) {
        if (sd_event_add_defer(update->manager->event, &update->measure, on_idle, update) >= 0)
                (void) sd_event_source_set_priority(update->measure, SD_EVENT_PRIORITY_IDLE);
}

int restore_run(Update *update) {
        uint64_t patience_usec = update->manager->config->restore_timeout_usec;

        if (!update->is_inherited)
                read_shutdown_log(update);
        if (update->manifest.timeline.start_tsc[PHASE_BOOT] == 0)
                measure_later(update);
        if (restore_is_over(update))
                return 0;
        if (patience_usec < UINT64_MAX)
                (void) sd_event_add_time_relative(update->manager->event, &update->patience, CLOCK_MONOTONIC,
                                patience_usec, 1000000, on_impatient, update);
        return 1;
}

int resume_run(Update *update) {
        return !resume_is_over(update);
}

/* finish: guests run */

static int learn_release(Manifest *manifest) {
        struct utsname names;

        (void) uname(&names);
        free(manifest->to_release);
        manifest->to_release = strdup(names.release);
        return manifest->to_release ? 0 : -ENOMEM;
}

int finish_run(Update *update) {
        for (Workload *w = NULL; (w = registry_next(update->manager->registry, w));)
                if (workload_state(w) == WORKLOAD_RUNNING && workload_is_preserved(w)) {
                        int r = workload_finish(w);

                        if (r < 0)
                                log_warning_errno(r, "The session of %s cannot be finished: %m", workload_name(w));
                }
        if (update->manifest.timeline.start_tsc[PHASE_BOOT] == 0)
                measure(update);
        devices_compare(update);
        return learn_release(&update->manifest);
}

void update_workload_gone(Manager *manager, Workload *w) {
        char **kept;

        if (!manager->update || manager->update->is_new_side)
                return;
        /* It ended by itself: there is nothing left of it to be carried over. */
        kept = manager->update->manifest.workloads;
        for (char **name = kept; *name; name++)
                if (strcmp(*name, workload_name(w)) == 0)
                        free(*name);
                else
                        *kept++ = *name;
        *kept = NULL;
}
