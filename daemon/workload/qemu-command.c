/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Commands to QEMU that more than one step is made of. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "basic/json.h"
#include "workload/workload-internal.h"

#define CONTINUE_AGAIN_USEC (5ULL * 1000)
#define CONTINUE_TRIES 1000U
#define STATE_FDSET 0x4c55U /* any number the user's own -add-fd has not taken */
#define QEMU_WITH_FILE_MIGRATION (8U << 16 | 2U << 8)

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

void operation_set_capabilities(Workload *w) {
        operation_command(w, "migrate-set-capabilities", capabilities(), -EBADF, operation_on_reply);
}

static json_object *argument_string(const char *key, const char *value) {
        json_object *o = json_object_new_object();

        if (o && json_add_string(o, key, value) < 0) {
                json_object_put(o);
                return NULL;
        }
        return o;
}

json_object *argument_u64(const char *key, uint64_t value) {
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

void operation_take_state_back(Workload *w) {
        if (w->qmp && has_file_migration(w))
                operation_command(w, "remove-fd", argument_u64("fdset-id", STATE_FDSET), -EBADF, on_any_reply);
}

/* Hands QEMU the memfd of its device state. An fd set only gives out an fd of the access mode asked for
 * (monitor/fds.c:monitor_fdset_dup_fd_add()), so it is opened anew with that. Older QEMU has no "file:" migration;
 * newer refuses "fd:" for a plain file. */
void operation_lend_state(Workload *w, int access_mode) {
        char path[sizeof("/proc/self/fd/") + 11];
        _cleanup_fd_ int fd = -EBADF;

        snprintf(path, sizeof(path), "/proc/self/fd/%i", w->state_fd);
        fd = open(path, access_mode | O_CLOEXEC);
        if (fd < 0) {
                operation_fail(w, -errno, "opening of its device state", NULL);
                return;
        }
        operation_take_state_back(w); /* one that a cancelled update may have left */
        if (w->qmp && has_file_migration(w))
                operation_command(w, "add-fd", argument_u64("fdset-id", STATE_FDSET), fd, operation_on_reply);
        else
                operation_command(w, "getfd", argument_string("fdname", "liveupdate-state"), fd, operation_on_reply);
}

void operation_transfer(Workload *w, const char *command, QmpReplyFunc func) {
        char uri[64];

        if (w->qmp && has_file_migration(w))
                snprintf(uri, sizeof(uri), "file:/dev/fdset/%u", STATE_FDSET);
        else
                snprintf(uri, sizeof(uri), "fd:liveupdate-state");
        if (operation_command(w, command, argument_string("uri", uri), -EBADF, func))
                operation_await_migration(w);
}

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
static void on_continued(Qmp *qmp, int error, const char *message, json_object *value, void *userdata) {
        Workload *w = userdata;

        if (error == -EREMOTEIO && w->n_continued++ < CONTINUE_TRIES &&
                        sd_event_add_time_relative(w->registry->event, &w->operation.deferred, CLOCK_MONOTONIC,
                                        CONTINUE_AGAIN_USEC, 0, on_continue_again, w) >= 0)
                return;
        if (error >= 0) {
                w->is_stuck = false;
                workload_drop_update(w);
        }
        operation_on_reply(qmp, error, message, value, userdata);
}

void operation_continue(Workload *w) {
        w->is_stuck = true;
        operation_command(w, "cont", NULL, -EBADF, on_continued);
}
