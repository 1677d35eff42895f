/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A QEMU process, by QMP. The commands of one step go out together and are answered in order, so a step costs one
 * turn of the wire; what a later step needs is set up in prepare, where the guest still runs. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "basic/json.h"
#include "basic/log.h"
#include "timeline/timeline.h"
#include "workload/workload-internal.h"

#define COME_UP_USEC (60ULL * 1000 * 1000) /* for QEMU to begin to talk */
#define CONTINUE_AGAIN_USEC (5ULL * 1000)
#define CONTINUE_TRIES 1000U
#define STATE_FDSET 0x4c55U                /* any number the user's own -add-fd has not taken */
#define QEMU_WITH_FILE_MIGRATION (8U << 16 | 2U << 8)

static void on_saved(Workload *w) {
        int r = workload_preserve_state(w);

        if (r < 0)
                operation_fail(w, r, "the preservation of its device state", NULL);
        else
                w->state = WORKLOAD_SAVED;
}

static void on_event(Qmp *qmp, const char *event, json_object *data, void *userdata) {
        Workload *w = userdata;
        const char *status = NULL;

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
        qemu_detach(w, error);
}

void qemu_detach(Workload *w, int error) {
        w->qmp = qmp_free(w->qmp);
        w->preserve = preserve_free(w->preserve);
        if (w->operation.pending == 0)
                return;
        operation_fail(w, error, "QMP", "its process or its QMP connection ended");
        w->operation.pending = 0;
        w->operation.awaits_migration = false;
        operation_finish(w);
}

/* QEMU's own word on what cannot be migrated, a device without support for it for instance. */
static void on_blockers(Qmp *qmp, int error, const char *message, json_object *value, void *userdata) {
        Workload *w = userdata;
        json_object *reasons = NULL;

        if (error < 0)
                workload_set_problem(w, "QEMU does not answer: %s", message ?: strerror(-error));
        else if (json_get_array(value, "blocked-reasons", &reasons) >= 0 && json_object_array_length(reasons) > 0)
                workload_set_problem(w, "QEMU cannot save its state: %s",
                                json_object_get_string(json_object_array_get_idx(reasons, 0)));

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
        r = qmp_execute(w->qmp, "query-migrate", NULL, -EBADF, COME_UP_USEC, on_blockers, w);
        if (r < 0)
                w->qmp = qmp_free(w->qmp);
        return r;
}

static json_object *capability(const char *name) {
        json_object *o = json_object_new_object();

        if (o && (json_add_string(o, "capability", name) < 0 || json_add_bool(o, "state", true) < 0)) {
                json_object_put(o);
                return NULL;
        }
        return o;
}

/* {"capabilities": [x-ignore-shared, events]} */
static json_object *capabilities(void) {
        _cleanup_json_ json_object *o = json_object_new_object(), *list = json_object_new_array();

        if (!o || !list || json_object_array_add(list, capability("x-ignore-shared")) < 0 ||
                        json_object_array_add(list, capability("events")) < 0 ||
                        json_add(o, "capabilities", TAKE_PTR(list)) < 0)
                return NULL;
        return TAKE_PTR(o);
}

static json_object *argument_string(const char *key, const char *value) {
        json_object *o = json_object_new_object();

        if (o && json_add_string(o, key, value) < 0) {
                json_object_put(o);
                return NULL;
        }
        return o;
}

static json_object *argument_u64(const char *key, uint64_t value) {
        json_object *o = json_object_new_object();

        if (o && json_add_u64(o, key, value) < 0) {
                json_object_put(o);
                return NULL;
        }
        return o;
}

static bool has_file_migration(Workload *w) {
        return qmp_version(w->qmp) >= QEMU_WITH_FILE_MIGRATION;
}

/* For what may fail without harm. */
static void on_any_reply(Qmp *qmp, int error, const char *message, json_object *value, void *userdata) {
        operation_on_reply(qmp, 0, NULL, NULL, userdata);
}

static void operation_take_state_back(Workload *w) {
        if (has_file_migration(w))
                operation_command(w, "remove-fd", argument_u64("fdset-id", STATE_FDSET), -EBADF, on_any_reply);
}

/* Hands QEMU the memfd of its device state. An fd set only gives out an fd of the access mode asked for
 * (monitor/fds.c:monitor_fdset_dup_fd_add()), so it is opened anew with that. Older QEMU has no "file:" migration;
 * newer refuses "fd:" for a plain file. */
static void operation_lend_state(Workload *w, int access_mode) {
        char path[sizeof("/proc/self/fd/") + 11];
        _cleanup_fd_ int fd = -EBADF;

        snprintf(path, sizeof(path), "/proc/self/fd/%i", w->state_fd);
        fd = open(path, access_mode | O_CLOEXEC);
        if (fd < 0) {
                operation_fail(w, -errno, "opening of its device state", NULL);
                return;
        }
        operation_take_state_back(w); /* one that a cancelled update may have left */
        if (has_file_migration(w))
                operation_command(w, "add-fd", argument_u64("fdset-id", STATE_FDSET), fd, operation_on_reply);
        else
                operation_command(w, "getfd", argument_string("fdname", "liveupdate-state"), fd, operation_on_reply);
}

static void operation_transfer(Workload *w, const char *command) {
        char uri[64];

        if (has_file_migration(w))
                snprintf(uri, sizeof(uri), "file:/dev/fdset/%u", STATE_FDSET);
        else
                snprintf(uri, sizeof(uri), "fd:liveupdate-state");
        if (operation_command(w, command, argument_string("uri", uri), -EBADF, operation_on_reply)) {
                w->operation.awaits_migration = true;
                w->operation.pending++;
        }
}

static void on_status(Qmp *qmp, int error, const char *message, json_object *value, void *userdata) {
        Workload *w = userdata;

        if (error >= 0 && json_get_bool(value, "running", &w->was_running) < 0)
                w->was_running = true;
        operation_on_reply(qmp, error, message, value, userdata);
}

static void on_preserved(int error, void *userdata) {
        Workload *w = userdata;

        w->preserve = preserve_free(w->preserve);
        if (error < 0)
                operation_fail(w, error, "the preservation of its memory", NULL);
        if (operation_put(w))
                operation_finish(w);
}

static void operation_preserve_ram(Workload *w) {
        int r = preserve_start(w->registry->event, w->session_fd, w->ram_fd, w->ram_bytes, on_preserved, w,
                        &w->preserve);

        if (r < 0)
                operation_fail(w, r, "the preservation of its memory", NULL);
        else
                w->operation.pending++;
}

void workload_prepare(Workload *w, WorkloadDoneFunc done, void *userdata) {
        operation_begin(w, done, userdata);
        w->state_fd = memfd_create("liveupdate-state", MFD_CLOEXEC);
        if (w->state_fd < 0)
                operation_fail(w, -errno, "the creation of a memfd", NULL);
        else {
                operation_command(w, "query-status", NULL, -EBADF, on_status);
                operation_command(w, "migrate-set-capabilities", capabilities(), -EBADF, operation_on_reply);
                operation_command(w, "migrate-set-parameters", argument_u64("max-bandwidth", INT64_MAX), -EBADF,
                                operation_on_reply);
                operation_lend_state(w, O_WRONLY);
                operation_preserve_ram(w);
        }
        operation_commit(w);
}

static void on_stopped(Qmp *qmp, int error, const char *message, json_object *value, void *userdata) {
        Workload *w = userdata;

        if (error >= 0)
                w->state = WORKLOAD_PAUSED;
        operation_on_reply(qmp, error, message, value, userdata);
}

void workload_pause(Workload *w, WorkloadDoneFunc done, void *userdata) {
        operation_begin(w, done, userdata);
        w->paused_tsc = tsc_now();
        operation_command(w, "stop", NULL, -EBADF, on_stopped);
        operation_commit(w);
}

void workload_save(Workload *w, WorkloadDoneFunc done, void *userdata) {
        operation_begin(w, done, userdata);
        operation_transfer(w, "migrate");
        operation_commit(w);
}

static void operation_continue(Workload *w);

static int on_continue_again(sd_event_source *source, uint64_t usec, void *userdata) {
        Workload *w = userdata;

        w->operation.deferred = sd_event_source_disable_unref(w->operation.deferred);
        operation_continue(w);
        if (operation_put(w))
                operation_finish(w);
        return 0;
}

/* QEMU tells that the migration is completed a moment before it is finalized, and refuses to continue in between
 * (migration/migration.c:migration_completion()). */
static void on_continued_after_cancel(Qmp *qmp, int error, const char *message, json_object *value, void *userdata) {
        Workload *w = userdata;

        if (error == -EREMOTEIO && w->n_continued++ < CONTINUE_TRIES &&
                        sd_event_add_time_relative(w->registry->event, &w->operation.deferred, CLOCK_MONOTONIC,
                                        CONTINUE_AGAIN_USEC, 0, on_continue_again, w) >= 0)
                return;
        operation_on_reply(qmp, error, message, value, userdata);
}

static void operation_continue(Workload *w) {
        operation_command(w, "cont", NULL, -EBADF, on_continued_after_cancel);
}

void workload_cancel(Workload *w, WorkloadDoneFunc done, void *userdata) {
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
        if (w->state == WORKLOAD_PAUSED || w->state == WORKLOAD_SAVED) {
                w->n_continued = 0;
                if (w->was_running)
                        operation_continue(w);
                w->state = WORKLOAD_RUNNING;
        }
        workload_drop_session(w);
        operation_commit(w);
}

void workload_load(Workload *w, WorkloadDoneFunc done, void *userdata) {
        operation_begin(w, done, userdata);
        operation_command(w, "migrate-set-capabilities", capabilities(), -EBADF, operation_on_reply);
        operation_lend_state(w, O_RDONLY);
        operation_transfer(w, "migrate-incoming");
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
        if (w->was_running)
                operation_command(w, "cont", NULL, -EBADF, on_continued);
        else
                w->state = WORKLOAD_RUNNING;
        operation_take_state_back(w);
        operation_commit(w);
}

void workload_give_up(Workload *w, const char *why) {
        w->state = WORKLOAD_FAILED;
        workload_set_problem(w, "%s", why);
        if (w->qmp)
                (void) qmp_execute(w->qmp, "quit", NULL, -EBADF, COMMAND_USEC, NULL, NULL);
}
