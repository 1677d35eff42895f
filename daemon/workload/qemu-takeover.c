/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A QEMU process that a predecessor of this daemon had on its hands. It may have got lost in the midst of a step, so
 * QEMU is asked what became of that. Our questions are answered after whatever the predecessor has sent. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "basic/json.h"
#include "basic/log.h"
#include "timeline/timeline.h"
#include "workload/workload-internal.h"

static bool is_one_of(const char *s, const char *const *list) {
        for (; *list; list++)
                if (strcmp(s, *list) == 0)
                        return true;
        return false;
}

/* qapi/migration.json: MigrationStatus */
static bool migration_is_under_way(const char *status) {
        return is_one_of(status, (const char *const[]) { "setup", "active", "device", "pre-switchover", "wait-unplug",
                                                        "cancelling", NULL });
}

/* qapi/run-state.json: RunState. Of those in which a guest stands still, the ones that a step of ours leads to. */
static bool stands_still_by_us(const char *run_state) {
        return is_one_of(run_state, (const char *const[]) { "paused", "finish-migrate", "postmigrate", NULL });
}

/* The old side: the sessions went down with the predecessor, so the update cannot go on. */
static void undo_update(Workload *w, const char *migration) {
        if (migration_is_under_way(migration))
                operation_command(w, "migrate_cancel", NULL, -EBADF, operation_on_reply);
        operation_take_state_back(w);
        w->n_continued = 0;
        if (w->was_running && stands_still_by_us(w->run_state))
                operation_continue(w);
}

/* The new side: how far did the predecessor get? */
static void find_place(Workload *w, const char *migration) {
        if (strcmp(w->run_state, "running") == 0) {
                w->state = WORKLOAD_RUNNING;
                w->running_tsc = tsc_now();
        } else if (strcmp(w->run_state, "inmigrate") != 0 || strcmp(migration, "completed") == 0)
                w->state = WORKLOAD_LOADED;
        else if (migration_is_under_way(migration))
                operation_await_migration(w);
}

static void on_run_state(Qmp *qmp, int error, const char *message, json_object *value, void *userdata) {
        Workload *w = userdata;
        const char *status;

        if (error >= 0 && json_get_string(value, "status", &status) < 0)
                operation_fail(w, -EBADMSG, "the question for its run state", NULL);
        else if (error >= 0)
                snprintf(w->run_state, sizeof(w->run_state), "%s", status);
        operation_on_reply(qmp, error, message, value, userdata);
}

static void on_migration(Qmp *qmp, int error, const char *message, json_object *value, void *userdata) {
        Workload *w = userdata;
        const char *status = "none";

        if (error >= 0 && w->operation.error >= 0) {
                (void) json_get_string(value, "status", &status);
                if (w->is_preserved)
                        find_place(w, status);
                else if (w->is_interrupted)
                        undo_update(w, status);
                if (!w->is_preserved)
                        workload_check_blockers(w, value);
        }
        operation_on_reply(qmp, error, message, value, userdata);
}

static void on_undone(Workload *w, int error, const char *why, void *userdata) {
        bool was_interrupted = TAKE(w->is_interrupted, false);

        w->is_being_taken_over = false;
        if (error < 0) {
                workload_set_problem(w, "it was not taken over from the daemon before: %s", why ?: strerror(-error));
                log_error("%s: %s", w->name, w->problem ?: strerror(-error));
                return;
        }
        if (!was_interrupted)
                return;
        workload_drop_update(w);
        log_notice("%s: the update that ended with the daemon before is undone, %s.", w->name,
                        w->was_running ? "the guest runs on" : "the guest stands still as it did before");
}

static void on_placed(Workload *w, int error, const char *why, void *userdata) {
        if (w->state == WORKLOAD_PRESERVED)
                return; /* its process ended */
        /* One that is silent may be running all the same: nothing is done to it. */
        if (error == -ETIMEDOUT) {
                w->state = WORKLOAD_FAILED;
                workload_set_problem(w, "QEMU does not answer: %s", why ?: strerror(-error));
        }
        if (error < 0)
                log_error("%s was not taken over from the daemon before: %s", w->name, why ?: strerror(-error));
        if (error != -ETIMEDOUT)
                w->registry->listener.ready(w, w->registry->listener.userdata);
}

void workload_take_over(Workload *w) {
        w->is_being_taken_over = !w->is_preserved;
        operation_begin(w, w->is_preserved ? on_placed : on_undone, NULL);
        operation_query(w, "query-status", COME_UP_USEC, on_run_state);
        operation_query(w, "query-migrate", COME_UP_USEC, on_migration);
        operation_commit(w);
}
