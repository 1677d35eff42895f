/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The steps of the new side on a QEMU process. */

#include <errno.h>
#include <fcntl.h>

#include "timeline/timeline.h"
#include "workload/workload-internal.h"

/* Where a predecessor of this daemon has done it already, there is nothing left to do. */

void workload_load(Workload *w, WorkloadDoneFunc done, void *userdata) {
        operation_begin(w, done, userdata);
        if (w->state != WORKLOAD_RUNNING)
                operation_place(w);
        if (w->state != WORKLOAD_LOADED && w->state != WORKLOAD_RUNNING) {
                operation_set_capabilities(w);
                operation_lend_state(w, O_RDONLY);
                operation_transfer(w, "migrate-incoming", operation_on_reply);
        }
        operation_commit(w);
}

static void on_continued(Qmp *qmp, int error, const char *message, json_object *value, void *userdata) {
        Workload *w = userdata;

        if (error >= 0) {
                w->state = WORKLOAD_RUNNING;
                if (w->running_tsc == 0)
                        w->running_tsc = tsc_now();
        }
        operation_on_reply(qmp, error, message, value, userdata);
}

void workload_resume(Workload *w, WorkloadDoneFunc done, void *userdata) {
        operation_begin(w, done, userdata);
        if (w->state != WORKLOAD_RUNNING) {
                if (w->was_running)
                        operation_command(w, "cont", NULL, -EBADF, on_continued);
                else
                        w->state = WORKLOAD_RUNNING;
                operation_take_state_back(w);
        }
        operation_commit(w);
}

void workload_give_up(Workload *w, const char *why) {
        w->state = WORKLOAD_FAILED;
        workload_set_problem(w, "%s", why);
        if (w->qmp)
                (void) qmp_execute(w->qmp, "quit", NULL, -EBADF, COMMAND_USEC, NULL, NULL);
}
