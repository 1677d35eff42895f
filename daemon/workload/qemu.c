/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A QEMU process, by QMP. The commands of one step go out together and are answered in order, so a step costs one
 * turn of the wire; what a later step needs is set up in prepare, where the guest still runs. */

#include <errno.h>
#include <string.h>

#include "basic/json.h"
#include "basic/log.h"
#include "timeline/timeline.h"
#include "workload/workload-internal.h"

static void on_saved(Workload *w) {
        int r = workload_preserve_state(w);

        if (r < 0)
                operation_fail(w, r, "the preservation of its device state", NULL);
        else
                w->state = WORKLOAD_SAVED;
}

static void on_event(Qmp *qmp, const char *event, json_object *data, void *userdata) {
        Workload *w = userdata;
        const char *status = NULL, *reason = NULL;

        if (strcmp(event, "SHUTDOWN") == 0 && data && json_get_string(data, "reason", &reason) >= 0)
                log_info("%s: QEMU ends, as it says for this reason: %s.", w->name, reason);
        if (strcmp(event, "RESUME") == 0 && w->state == WORKLOAD_LOADED)
                w->running_tsc = tsc_now();
        if (strcmp(event, "MIGRATION") != 0 || !data || !w->operation.awaits_migration ||
                        json_get_string(data, "status", &status) < 0)
                return;

        if (strcmp(status, "failed") == 0 || strcmp(status, "cancelled") == 0)
                operation_fail(w, -EREMOTEIO, "the transfer of its device state", status);
        else if (strcmp(status, "completed") != 0)
                return;
        else if (w->state == WORKLOAD_PAUSED)
                on_saved(w);
        else if (w->state == WORKLOAD_RESTORING)
                w->state = WORKLOAD_LOADED;

        w->operation.awaits_migration = false;
        if (operation_put(w))
                operation_finish(w);
}

static void on_closed(Qmp *qmp, int error, void *userdata) {
        Workload *w = userdata;

        if (w->state == WORKLOAD_RUNNING)
                workload_set_problem(w, "its QMP connection ended: %s", strerror(-error));
        workload_drop_kept(w, KEPT_QMP);
        qemu_detach(w, error);
}

void qemu_detach(Workload *w, int error) {
        w->qmp = qmp_free(w->qmp);
        w->preserve = task_free(w->preserve);
        workload_stop_placing(w);
        if (w->operation.pending == 0)
                return;
        operation_fail(w, error, "QMP", "its process or its QMP connection ended");
        w->operation.pending = 0;
        w->operation.awaits_migration = false;
        w->operation.deferred = sd_event_source_disable_unref(w->operation.deferred);
        operation_finish(w);
}

/* QEMU's own word on what cannot be migrated, a device without support for it for instance. */
void workload_check_blockers(Workload *w, json_object *migration) {
        json_object *reasons = NULL;

        if (json_get_array(migration, "blocked-reasons", &reasons) >= 0 && json_object_array_length(reasons) > 0)
                workload_set_problem(w, "QEMU cannot save its state: %s",
                                json_object_get_string(json_object_array_get_idx(reasons, 0)));
}

static void on_first_reply(Qmp *qmp, int error, const char *message, json_object *value, void *userdata) {
        Workload *w = userdata;

        if (error < 0)
                workload_set_problem(w, "QEMU does not answer: %s", message ?: strerror(-error));
        else
                workload_check_blockers(w, value);

        if (w->state == WORKLOAD_RESTORING)
                w->registry->listener.ready(w, w->registry->listener.userdata);
}

int qemu_attach(Workload *w, int qmp_fd) {
        int r;

        r = qmp_new(w->registry->event, qmp_fd, on_event, on_closed, w, &w->qmp);
        if (r < 0)
                return r;
        /* Before the control socket's, so that in the blackout no client comes first. */
        (void) qmp_set_priority(w->qmp, SD_EVENT_PRIORITY_IMPORTANT);
        r = qmp_execute(w->qmp, "query-migrate", NULL, -EBADF, COME_UP_USEC, on_first_reply, w);
        if (r < 0)
                w->qmp = qmp_free(w->qmp);
        return r;
}

int qemu_take_over(Workload *w, int qmp_fd) {
        int r = qmp_take_over(w->registry->event, qmp_fd, on_event, on_closed, w, &w->qmp);

        if (r < 0)
                return r;
        (void) qmp_set_priority(w->qmp, SD_EVENT_PRIORITY_IMPORTANT);
        workload_take_over(w);
        return 0;
}
