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
#include "update/manager.h"
#include "update/update-internal.h"

#define DEVICE_WAIT_USEC (5ULL * 1000 * 1000) /* systemd opens it for a moment, too */
#define PATIENCE_USEC (90ULL * 1000 * 1000)   /* for the workloads' units, systemd's DefaultTimeoutStartSec= */

/* retrieve */

static int take_manifest(int device_fd, Update *update) {
        _cleanup_fd_ int session_fd = -EBADF, manifest_fd = -EBADF;
        int r;

        session_fd = luo_session_retrieve(device_fd, MANIFEST_SESSION);
        if (session_fd == -ENOENT)
                return 0;
        if (session_fd < 0)
                return log_error_errno(session_fd, "Cannot retrieve the session of the manifest: %m");
        manifest_fd = luo_session_retrieve_fd(session_fd, MANIFEST_TOKEN);
        if (manifest_fd < 0)
                return log_error_errno(manifest_fd, "Cannot retrieve the manifest: %m");
        r = manifest_read(manifest_fd, &update->manifest);
        if (r < 0)
                return log_error_errno(r, "Cannot read the manifest; the workloads' sessions are kept: %m");
        update->manifest_session_fd = TAKE_FD(session_fd);
        return 1;
}

int update_take_over(Manager *manager) {
        ClockSample began = clock_sample();
        Update *update;
        int r;

        r = update_new(manager, PHASE_RETRIEVE, &update);
        if (r < 0)
                return r;

        update->device_fd = luo_device_open(DEVICE_WAIT_USEC);
        if (update->device_fd == -ENOENT)
                r = 0;
        else if (update->device_fd < 0)
                r = log_error_errno(update->device_fd, "Cannot open " LUO_DEVICE ", what it may keep stays there: %m");
        else
                r = take_manifest(update->device_fd, update);
        if (r <= 0) {
                update_free(update);
                return r;
        }

        update->began = began;
        update->manifest.timeline.start_tsc[PHASE_RETRIEVE] = began.tsc;
        update_start(update);
        return 1;
}

int retrieve_run(Update *update) {
        for (char **name = update->manifest.workloads; *name; name++) {
                _cleanup_free_ char *session = workload_session_name(*name);
                Workload *w;
                int fd, r;

                if (!session)
                        return -ENOMEM;
                fd = luo_session_retrieve(update->device_fd, session);
                if (fd < 0) {
                        log_error_errno(fd, "%s is lost, its session did not come over: %m", *name);
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
        else if (!manager->update && workload_is_preserved(w))
                (void) workload_finish(w); /* a late one, on its own; the others finish_run() has finished */
        settle(manager);
}

static void on_loaded(Workload *w, int error, const char *why, void *userdata) {
        Manager *manager = userdata;

        if (error < 0) {
                log_error("%s could not be restored, it stays preserved: %s", workload_name(w),
                                why ?: strerror(-error));
                workload_give_up(w, why ?: strerror(-error));
        } else
                workload_resume(w, on_resumed, manager);
        settle(manager);
}

void update_workload_ready(Manager *manager, Workload *w) {
        workload_load(w, on_loaded, manager);
}

static int on_impatient(sd_event_source *source, uint64_t usec, void *userdata) {
        Update *update = userdata;

        update->is_impatient = true;
        for (Workload *w = NULL; (w = registry_next(update->manager->registry, w));)
                if (workload_state(w) == WORKLOAD_PRESERVED || workload_state(w) == WORKLOAD_RESTORING)
                        log_error("%s has not come back within %llu s, it stays preserved. Start its unit.",
                                        workload_name(w), PATIENCE_USEC / 1000000);
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

int restore_run(Update *update) {
        read_shutdown_log(update);
        if (restore_is_over(update))
                return 0;
        (void) sd_event_add_time_relative(update->manager->event, &update->patience, CLOCK_MONOTONIC, PATIENCE_USEC,
                        1000000, on_impatient, update);
        return 1;
}

int resume_run(Update *update) {
        return !resume_is_over(update);
}

/* finish: guests run */

/* CLOCK_MONOTONIC and printk's clock do not begin at the same instant, and either can be the first. Both are of the new
 * kernel, so the earlier one bounds the jump better. This kernel's clock runs by its own measure of the TSC. */
static uint64_t boot_zero_tsc(Update *update) {
        uint64_t tsc_hz = clock_tsc_hz(update->began), log_zero, zero = clock_zero_tsc(tsc_hz);

        return kernel_log_zero_tsc(tsc_hz, &log_zero) >= 0 && log_zero < zero ? log_zero : zero;
}

/* The phases nobody of ours saw: from the logs of the two kernels and the new one's clock. Where a log is silent, the
 * phase before takes the time of the one that could not be told apart. */
static void timeline_fill_in(Update *update) {
        Timeline *timeline = &update->manifest.timeline;
        uint64_t *start = timeline->start_tsc;
        int r;

        start[PHASE_BOOT] = boot_zero_tsc(update);
        start[PHASE_JUMP] = start[PHASE_BOOT];
        if (update->shutdown_log)
                start[PHASE_JUMP] = update->shutdown_log->last_line_tsc;

        start[PHASE_USERSPACE] = start[PHASE_RETRIEVE];
        r = kernel_log_init_tsc(timeline->tsc_hz, &start[PHASE_USERSPACE]);
        if (r < 0)
                log_warning_errno(r, "The kernel's log does not tell when init began, that counts as boot: %m");

        /* Two clocks and rounded stamps: what is impossible by a little is put right. */
        for (Phase phase = PHASE_JUMP; phase <= PHASE_USERSPACE; phase++) {
                if (start[phase] < start[phase - 1])
                        start[phase] = start[phase - 1];
                if (start[phase] > start[PHASE_RETRIEVE])
                        start[phase] = start[PHASE_RETRIEVE];
        }
}

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
        timeline_fill_in(update);
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
