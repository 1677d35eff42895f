/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The steps of the old side on a QEMU process. */

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "basic/json.h"
#include "timeline/timeline.h"
#include "workload/workload-internal.h"

static void on_ram_preserved(int error, void *userdata) {
        Workload *w = userdata;

        w->preserve = task_free(w->preserve);
        if (error < 0)
                operation_fail(w, error, "the preservation of its memory", NULL);
        if (operation_put(w))
                operation_finish(w);
}

static void operation_preserve_ram(Workload *w) {
        int r = preserve_start(w->registry->event, w->session_fd, w->ram_fd, w->ram_bytes, on_ram_preserved, w,
                        &w->preserve);

        if (r < 0)
                operation_fail(w, r, "the preservation of its memory", NULL);
        else
                w->operation.pending++;
}

/* The RAM comes last, since as long as that takes the session answers nobody else. */
static void on_status(Qmp *qmp, int error, const char *message, json_object *value, void *userdata) {
        Workload *w = userdata;
        int r;

        if (error >= 0 && !w->cancel_done) {
                if (json_get_bool(value, "running", &w->was_running) < 0)
                        w->was_running = true;
                workload_capture_placement(w);
                workload_capture_memory_policy(w);
                r = workload_preserve_description(w);
                if (r < 0)
                        operation_fail(w, r, "the preservation of its description", NULL);
                else
                        operation_preserve_ram(w);
        }
        operation_on_reply(qmp, error, message, value, userdata);
}

void workload_prepare(Workload *w, WorkloadDoneFunc done, void *userdata) {
        operation_begin(w, done, userdata);
        w->paused_tsc = 0;
        w->state_fd = memfd_create("liveupdate-state", MFD_CLOEXEC);
        if (w->state_fd < 0)
                operation_fail(w, -errno, "the creation of a memfd", NULL);
        else {
                operation_ask_threads(w);
                operation_command(w, "query-status", NULL, -EBADF, on_status);
                operation_set_capabilities(w);
                operation_command(w, "migrate-set-parameters", argument_u64("max-bandwidth", INT64_MAX), -EBADF,
                                operation_on_reply);
                operation_lend_state(w, O_WRONLY);
        }
        operation_commit(w);
}

static void on_stopped(Qmp *qmp, int error, const char *message, json_object *value, void *userdata) {
        Workload *w = userdata;

        if (error >= 0 || error == -ETIMEDOUT) /* it may still do so; that it goes on is queued behind it */
                w->state = WORKLOAD_PAUSED;
        operation_on_reply(qmp, error, message, value, userdata);
}

void workload_pause(Workload *w, WorkloadDoneFunc done, void *userdata) {
        operation_begin(w, done, userdata);
        w->paused_tsc = tsc_now();
        operation_command(w, "stop", NULL, -EBADF, on_stopped);
        operation_commit(w);
}

/* Nothing of it was prepared, so how it was before is asked on the way, and noted for a successor of this process. */
static void on_status_of_lost(Qmp *qmp, int error, const char *message, json_object *value, void *userdata) {
        Workload *w = userdata;

        if (error >= 0 && json_get_bool(value, "running", &w->was_running) >= 0 && w->description_fd >= 0)
                (void) workload_describe_again(w, w->description_fd);
        operation_on_reply(qmp, error, message, value, userdata);
}

void workload_halt(Workload *w, WorkloadDoneFunc done, void *userdata) {
        w->is_halted = true;
        w->was_running = true; /* unless it says otherwise */
        if (w->description_fd < 0 && workload_describe(w, &w->description_fd) >= 0)
                workload_keep(w, KEPT_DESCRIPTION, w->description_fd);
        operation_begin(w, done, userdata);
        operation_command(w, "query-status", NULL, -EBADF, on_status_of_lost);
        operation_command(w, "stop", NULL, -EBADF, on_stopped);
        operation_commit(w);
}

bool workload_is_halted(const Workload *w) {
        return w->is_halted;
}

bool workload_is_busy(const Workload *w) {
        return w->operation.pending > 0;
}

/* What may have been changed since prepare is read while QEMU is busy. */
static void on_transfer_began(Qmp *qmp, int error, const char *message, json_object *value, void *userdata) {
        if (error >= 0)
                workload_capture_placement(userdata);
        operation_on_reply(qmp, error, message, value, userdata);
}

void workload_save(Workload *w, WorkloadDoneFunc done, void *userdata) {
        operation_begin(w, done, userdata);
        operation_transfer(w, "migrate", on_transfer_began);
        operation_commit(w);
}

void workload_cancel(Workload *w, WorkloadDoneFunc done, void *userdata) {
        bool stands_still = w->state == WORKLOAD_PAUSED || w->state == WORKLOAD_SAVED;

        w->is_halted = false;
        if (w->operation.pending > 0) {
                w->cancel_done = done;
                w->cancel_userdata = userdata;
                if (w->operation.awaits_migration)
                        operation_command(w, "migrate_cancel", NULL, -EBADF, operation_on_reply);
                return;
        }

        operation_begin(w, done, userdata);
        if (w->qmp && w->state_fd >= 0)
                operation_take_state_back(w);
        if (stands_still)
                w->state = WORKLOAD_RUNNING;
        if (stands_still && w->was_running) {
                w->n_continued = 0;
                operation_continue(w);
        } else if (!w->is_preserved && !w->is_stuck)
                workload_drop_update(w);
        if (!w->is_preserved)
                workload_drop_session(w);
        operation_commit(w);
}
