/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One operation on a workload: QMP commands that go out together, are answered in order, and end in one callback. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/log.h"
#include "workload/workload-internal.h"

void operation_finish(Workload *w) {
        Operation *operation = &w->operation;
        WorkloadDoneFunc done = TAKE_PTR(operation->done);
        _cleanup_free_ char *why = TAKE_PTR(operation->why);
        int error = TAKE(operation->error, 0);

        if (w->cancel_done) {
                WorkloadDoneFunc cancel_done = TAKE_PTR(w->cancel_done);

                workload_cancel(w, cancel_done, w->cancel_userdata);
                return;
        }
        if (done)
                done(w, error, why, operation->userdata);
}

static int on_operation_deferred(sd_event_source *source, void *userdata) {
        Workload *w = userdata;

        w->operation.deferred = sd_event_source_disable_unref(w->operation.deferred);
        operation_finish(w);
        return 0;
}

void operation_fail(Workload *w, int error, const char *what, const char *message) {
        Operation *operation = &w->operation;

        if (operation->error < 0)
                return;
        operation->error = error;
        if (asprintf(&operation->why, "%s: %s failed: %s", w->name, what, message ?: strerror(-error)) < 0)
                operation->why = NULL;
}

bool operation_put(Workload *w) {
        return --w->operation.pending == 0;
}

void operation_begin(Workload *w, WorkloadDoneFunc done, void *userdata) {
        w->operation.done = done;
        w->operation.userdata = userdata;
        w->operation.pending = 1;
}

/* Ends the building of the pipeline. Where nothing is left to wait for, the end still comes from the event loop. */
void operation_commit(Workload *w) {
        int r;

        if (!operation_put(w))
                return;
        r = sd_event_add_defer(w->registry->event, &w->operation.deferred, on_operation_deferred, w);
        if (r < 0) {
                log_error_errno(r, "%s: cannot go on: %m", w->name);
                operation_finish(w);
                return;
        }
        (void) sd_event_source_set_priority(w->operation.deferred, SD_EVENT_PRIORITY_IMPORTANT);
}

void operation_on_reply(Qmp *qmp, int error, const char *message, json_object *value, void *userdata) {
        Workload *w = userdata;

        if (error < 0) {
                operation_fail(w, error, "a QMP command", message);
                /* Without the command there will be no event. */
                if (TAKE(w->operation.awaits_migration, false))
                        w->operation.pending--;
        }
        if (operation_put(w))
                operation_finish(w);
}

static bool operation_add(Workload *w, const char *command, json_object *arguments, int fd, uint64_t timeout_usec,
                QmpReplyFunc func) {
        int r;

        if (!w->qmp) {
                json_object_put(arguments);
                operation_fail(w, -ECONNRESET, command, NULL);
                return false;
        }
        r = qmp_execute(w->qmp, command, arguments, fd, timeout_usec, func, w);
        if (r < 0) {
                operation_fail(w, r, command, NULL);
                return false;
        }
        w->operation.pending++;
        return true;
}

bool operation_command(Workload *w, const char *command, json_object *arguments, int fd, QmpReplyFunc func) {
        return operation_add(w, command, arguments, fd, COMMAND_USEC, func);
}

bool operation_query(Workload *w, const char *command, uint64_t timeout_usec, QmpReplyFunc func) {
        return operation_add(w, command, NULL, -EBADF, timeout_usec, func);
}

void operation_await_migration(Workload *w) {
        w->operation.awaits_migration = true;
        w->operation.pending++;
}
