/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The story of a live update
 *
 * It is a table of steps, walked once from top to bottom, by two processes: the daemon under the old kernel walks down
 * to `shutdown`, whose reboot() does not return; the daemon under the new kernel finds the manifest and goes on at
 * `retrieve`. What lies between the two belongs to the kernels alone and has no code here.
 *
 * A step ends at once or waits: for QEMU processes, each driven on its own, or for a thread in the kernel. The next
 * one begins when the last workload is through. Up to `pause` the event loop gets its turn between steps, so that
 * clients are served; in the blackout steps follow each other directly.
 *
 * If a step of the old side fails, or the deadline comes, every step begun so far is undone in reverse, and the
 * workloads run on as if nothing had happened. On the new side there is no way back: a workload that cannot be
 * restored stays preserved and is reported, and the others go on.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/json.h"
#include "basic/log.h"
#include "update/devices.h"
#include "update/host.h"
#include "update/manager.h"
#include "update/report.h"
#include "update/story.h"
#include "update/update-internal.h"

static const Step steps[_PHASE_MAX] = {
        /* The old kernel. Workloads run. */
        [PHASE_PREPARE]   = { prepare_run,  prepare_undo  },
        [PHASE_QUIESCE]   = { quiesce_run,  quiesce_undo  },
        /* Workloads stand still. */
        [PHASE_PAUSE]     = { pause_run,    pause_undo    },
        [PHASE_SAVE]      = { save_run,     NULL          },
        [PHASE_DRAIN]     = { drain_run,    drain_take_back },
        [PHASE_SEAL]      = { seal_run,     seal_undo     },
        [PHASE_SHUTDOWN]  = { shutdown_run, NULL          },
        /* PHASE_JUMP, PHASE_BOOT, PHASE_USERSPACE: the kernels and init */
        /* The new kernel. */
        [PHASE_RETRIEVE]  = { retrieve_run, NULL          },
        [PHASE_RESTORE]   = { restore_run,  NULL          },
        [PHASE_RESUME]    = { resume_run,   NULL          },
        /* Workloads run. */
        [PHASE_FINISH]    = { finish_run,   NULL          },
};

static void update_walk(Update *update);

void update_where(const Update *update, const char **ret_state, const char **ret_phase) {
        *ret_state = update->is_new_side ? "restoring" : update->is_undoing ? "rolling_back" : "updating";
        *ret_phase = phase_to_string(update->phase);
}

bool update_is_on_old_side(const Update *update) {
        return !update->is_new_side;
}

int update_explain(Update *update, int error, const char *format, ...) {
        va_list ap;

        if (update->error < 0)
                return error;
        update->error = error;
        va_start(ap, format);
        if (vasprintf(&update->why, format, ap) < 0)
                update->why = NULL;
        va_end(ap);
        return error;
}

static void update_tell(Update *update) {
        const char *state, *phase;

        update_where(update, &state, &phase);
        manager_tell(update->manager, state, phase, NULL);
        if (update->call && varlink_call_wants_more(update->call))
                (void) varlink_call_notify(update->call, manager_progress(update->manager));
}

static int on_next(sd_event_source *source, void *userdata) {
        Update *update = userdata;

        update->next = sd_event_source_disable_unref(update->next);
        update_walk(update);
        return 0;
}

/* Lets the event loop serve what waits before the walk goes on. */
static void update_walk_later(Update *update) {
        int r = sd_event_add_defer(update->manager->event, &update->next, on_next, update);

        if (r < 0) {
                log_error_errno(r, "Going on without a turn of the event loop: %m");
                update_walk(update);
                return;
        }
}

static void update_roll_back(Update *update) {
        log_error("Rolling back, %s failed: %s", phase_to_string(update->phase),
                        update->why ?: strerror(-update->error));
        update->deadline = sd_event_source_disable_unref(update->deadline);
        update->manifest.timeline.end_tsc = tsc_now();
        update->failed_phase = update->phase;
        update->is_undoing = true;
        update_walk(update);
}

static void update_walk_back(Update *update) {
        for (;; update->phase--) {
                StepFunc undo = steps[update->phase].undo;

                if (undo && undo(update) > 0)
                        return;
                if (update->phase == PHASE_PREPARE)
                        break;
        }
        update_end(update, "rolled-back");
}

static void update_walk_on(Update *update) {
        for (;;) {
                int r;

                if (update->manifest.timeline.start_tsc[update->phase] == 0)
                        timeline_begin(&update->manifest.timeline, update->phase);
                update_tell(update);
                r = steps[update->phase].run(update);
                if (r > 0)
                        return;
                if (r < 0) {
                        (void) update_explain(update, r, "%s", strerror(-r));
                        update_roll_back(update);
                        return;
                }
                if (update->phase == PHASE_FINISH) {
                        update_end(update, report_outcome(update));
                        return;
                }
                update->phase++;
                if (update->phase <= PHASE_PAUSE) {
                        update_walk_later(update);
                        return;
                }
        }
}

static void update_walk(Update *update) {
        if (update->is_undoing)
                update_walk_back(update);
        else
                update_walk_on(update);
}

void update_step_done(Update *update) {
        if (update->is_undoing) {
                if (update->phase == PHASE_PREPARE) {
                        update_end(update, "rolled-back");
                        return;
                }
                update->phase--;
        } else if (update->error < 0) {
                update_roll_back(update);
                return;
        } else {
                update->phase++;
                if (update->phase <= PHASE_PAUSE) {
                        update_walk_later(update);
                        return;
                }
        }
        update_walk(update);
}

bool update_takes_part(const Update *update, const Workload *w) {
        for (char **name = update->manifest.workloads; name && *name; name++)
                if (strcmp(*name, workload_name(w)) == 0)
                        return true;
        return false;
}

static void on_workload_done(Workload *w, int error, const char *why, void *userdata) {
        Update *update = userdata;

        if (error < 0 && update->is_undoing)
                log_error("%s may not run again: %s", workload_name(w), why ?: strerror(-error));
        else if (error < 0)
                (void) update_explain(update, error, "%s", why ?: strerror(-error));
        if (--update->pending == 0)
                update_step_done(update);
}

int update_for_each_workload(Update *update, WorkloadFunc func) {
        for (Workload *w = NULL; (w = registry_next(update->manager->registry, w));)
                if (update_takes_part(update, w)) {
                        update->pending++;
                        func(w, on_workload_done, update);
                }
        return update->pending > 0;
}

/* What still runs is let run out by the undo of its step. */
static void update_break_off(Update *update, int error, const char *why) {
        (void) update_explain(update, error, "%s", why);
        update->next = sd_event_source_disable_unref(update->next);
        update->pending = 0;
        update_roll_back(update);
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        Update *update = userdata;
        char why[128];

        if (update->is_undoing)
                return 0;
        snprintf(why, sizeof(why), "%s took longer than %llu ms", update->deadline_what,
                        (unsigned long long) update->deadline_usec / 1000);
        update_break_off(update, -ETIMEDOUT, why);
        return 0;
}

int update_arm_deadline(Update *update, uint64_t usec, const char *what) {
        int r;

        update->deadline = sd_event_source_disable_unref(update->deadline);
        if (usec == UINT64_MAX)
                return 0;
        r = sd_event_add_time_relative(update->manager->event, &update->deadline, CLOCK_MONOTONIC, usec, 1000,
                        on_deadline, update);
        if (r < 0)
                return r;
        update->deadline_usec = usec;
        update->deadline_what = what;
        return sd_event_source_set_priority(update->deadline, SD_EVENT_PRIORITY_IMPORTANT - 1);
}

void update_abort(Update *update, const char *why) {
        if (!update->is_undoing)
                update_break_off(update, -ECANCELED, why);
}

static void update_answer(Update *update) {
        _cleanup_json_ json_object *o = json_object_new_object();
        VarlinkCall *call = TAKE_PTR(update->call);

        if (!call)
                return;
        if (o && json_add_string(o, "phase", phase_to_string(update->failed_phase)) >= 0 &&
                        json_add_string(o, "message", update->why ?: strerror(-update->error)) >= 0 &&
                        json_add_string(o, "remedy", "Everything runs as before. Mend what failed and commit again; "
                                                     "liveupdatectl report has the details.") >= 0)
                (void) varlink_call_error(call, "io.liveupdate.RolledBack", TAKE_PTR(o));
        varlink_call_unref(call);
}

void update_end(Update *update, const char *outcome) {
        Manager *manager = update->manager;

        devices_note(update);
        report_keep(manager, report_new(update, outcome));
        story_over(update, outcome);
        if (update->is_undoing)
                manager_tell(manager, "rolled_back", phase_to_string(update->failed_phase), update->why);
        else
                manager_tell(manager, outcome, NULL, update->why);
        if (update->is_automatic && update->is_undoing)
                automation_failed(manager, "commit", update->manifest.to_release,
                                update->why ?: strerror(-update->error),
                                "Mend what failed. The next window tries again.");
        update_answer(update);
        store_drop(STORE_MANIFEST);
        if (update->is_new_side)
                host_restore_keep(manager->host, update->manifest_fd);
        store_drop(STORE_MANIFEST_SESSION);
        store_drop(STORE_SERVICES);
        store_drop(STORE_DEVICES);
        manager->update = update_free(update);
        host_restore_after_update(manager->host);
        if (manager->is_ending)
                (void) sd_event_exit(manager->event, 0);
}

Update *update_free(Update *update) {
        if (!update)
                return NULL;
        sd_event_source_disable_unref(update->next);
        sd_event_source_disable_unref(update->deadline);
        sd_event_source_disable_unref(update->patience);
        sd_event_source_disable_unref(update->measure);
        frozen_filesystems_thaw(update->frozen);
        services_free(update->services);
        drain_free(update->drain);
        task_free(update->sync);
        task_free(update->extension);
        task_free(update->host_task);
        varlink_call_unref(update->call);
        host_seed_wipe(update);
        fd_close(update->seed_fd);
        fd_close(update->manifest_session_fd);
        fd_close(update->manifest_fd);
        fd_close(update->device_fd);
        shutdown_log_free(update->shutdown_log);
        manifest_done(&update->manifest);
        free(update->why);
        free(update);
        return NULL;
}

int update_new(Manager *manager, Phase phase, Update **ret) {
        Update *update = calloc(1, sizeof(*update));

        if (!update)
                return -ENOMEM;
        update->manager = manager;
        update->phase = phase;
        update->is_new_side = phase >= PHASE_RETRIEVE;
        update->manifest_fd = update->manifest_session_fd = update->device_fd = update->seed_fd = -EBADF;
        *ret = update;
        return 0;
}

void update_start(Update *update) {
        update->manager->update = update;
        if (update->is_new_side)
                update_walk(update);
        else
                update_walk_later(update);
}
