/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A workload's placement: read under the old kernel, put back under the new one, where it is compared and changed while
 * QEMU loads its state. A guest never waits long for it, nor stays away for want of it. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "basic/json.h"
#include "basic/log.h"
#include "privileged/privileged.h"
#include "workload/workload-internal.h"

#define PLACE_USEC (2ULL * 1000 * 1000)

/* What the thread works on; read when it is through. */
struct Placing {
        int pid_fd;
        json_object *placement, *problems;
        char *why;
};

static void placing_free(void *data) {
        Placing *placing = data;

        if (!placing)
                return;
        fd_close(placing->pid_fd);
        json_object_put(placing->placement);
        json_object_put(placing->problems);
        free(placing->why);
        free(placing);
}

static int placing_run(void *data) {
        Placing *placing = data;

        return privileged_place(placing->pid_fd, placing->placement, placing->problems, &placing->why);
}

static int placing_new(int pid_fd, json_object *placement, Placing **ret) {
        Placing *placing = calloc(1, sizeof(*placing));

        if (!placing) {
                json_object_put(placement);
                return -ENOMEM;
        }
        placing->placement = placement;
        placing->problems = json_object_new_array();
        placing->pid_fd = fcntl(pid_fd, F_DUPFD_CLOEXEC, 3);
        if (placing->pid_fd < 0 || !placing->problems) {
                int r = placing->pid_fd < 0 ? -errno : -ENOMEM;

                placing_free(placing);
                return r;
        }
        *ret = placing;
        return 0;
}

void workload_stop_placing(Workload *w) {
        w->placing = NULL;
        w->place = task_free(w->place);
        w->place_timer = sd_event_source_disable_unref(w->place_timer);
}

static void log_failure(const Workload *w, int error, const char *why) {
        log_warning("%s: its threads may run as its unit says, not on the processors and with the scheduling, I/O "
                    "priority and OOM score that they had before the update; set these again, or in the unit: %s",
                        w->name, why ?: strerror(-error));
}

static void log_problems(const Workload *w, json_object *problems) {
        for (size_t i = 0; i < json_object_array_length(problems); i++)
                log_warning("%s does not run as before the update; set it again, or in its unit: %s", w->name,
                                json_object_get_string(json_object_array_get_idx(problems, i)));
}

static void placing_over(Workload *w) {
        workload_stop_placing(w);
        if (operation_put(w))
                operation_finish(w);
}

static void on_placing_done(int error, void *userdata) {
        Workload *w = userdata;

        if (error < 0)
                log_failure(w, error, w->placing->why);
        else {
                log_problems(w, w->placing->problems);
                log_debug("%s: its threads run as before the update.", w->name);
        }
        placing_over(w);
}

static int on_placing_late(sd_event_source *source, uint64_t usec, void *userdata) {
        Workload *w = userdata;

        log_failure(w, -ETIMEDOUT, "liveupdate-privileged takes too long for the guest to wait, and may still do it.");
        placing_over(w);
        return 0;
}

/* `placement` is taken. */
static int start_placing(Workload *w, json_object *placement) {
        sd_event *event = w->registry->event;
        Placing *placing = NULL;
        int r;

        r = placing_new(w->pid_fd, placement, &placing);
        if (r < 0)
                return r;
        r = task_start(event, placing_run, placing, placing_free, on_placing_done, w, &w->place);
        if (r < 0)
                return r;
        w->placing = placing;
        w->operation.pending++;
        r = sd_event_add_time_relative(event, &w->place_timer, CLOCK_MONOTONIC, PLACE_USEC, 0, on_placing_late, w);
        if (r >= 0)
                (void) sd_event_source_set_priority(w->place_timer, SD_EVENT_PRIORITY_IMPORTANT);
        return 0;
}

static void place(Workload *w) {
        _cleanup_json_ json_object *problems = json_object_new_array();
        json_object *difference = NULL;
        int r = problems ? 0 : -ENOMEM;

        if (r >= 0)
                r = placement_compare(w->placement, w->pid, w->pid_fd, &w->threads, problems, &difference);
        if (r >= 0) {
                log_problems(w, problems);
                r = difference ? start_placing(w, difference) : 0;
        }
        if (r < 0)
                log_failure(w, r, NULL);
}

/* QEMU's threads */

static void learn(Workload *w, int error, const char *message, json_object *answer,
                int (*add)(QemuThreads *, json_object *)) {
        int r = error < 0 ? error : add(&w->threads, answer);

        if (r >= 0)
                return;
        w->knows_threads = false;
        if (w->qmp)
                log_warning("%s: QEMU does not tell its threads, so how they run is left to its unit: %s", w->name,
                                error < 0 && message ? message : strerror(-r));
}

static void on_vcpus(Qmp *qmp, int error, const char *message, json_object *value, void *userdata) {
        learn(userdata, error, message, value, qemu_threads_add_vcpus);
        operation_on_reply(qmp, 0, NULL, NULL, userdata);
}

static void on_iothreads(Qmp *qmp, int error, const char *message, json_object *value, void *userdata) {
        Workload *w = userdata;

        learn(w, error, message, value, qemu_threads_add_iothreads);
        qemu_threads_sort(&w->threads);
        if (w->is_preserved && w->knows_threads)
                place(w);
        operation_on_reply(qmp, 0, NULL, NULL, userdata);
}

void operation_ask_threads(Workload *w) {
        qemu_threads_done(&w->threads);
        w->knows_threads = true;
        operation_command(w, "query-cpus-fast", NULL, -EBADF, on_vcpus);
        operation_command(w, "query-iothreads", NULL, -EBADF, on_iothreads);
}

/* Where all threads ran alike, as most do, QEMU need not be asked which is which. */
void operation_place(Workload *w) {
        if (!w->placement)
                return;
        if (w->placement->n_groups != 1) {
                operation_ask_threads(w);
                return;
        }
        qemu_threads_done(&w->threads);
        place(w);
}

void workload_capture_placement(Workload *w) {
        _cleanup_(placement_freep) Placement *placement = NULL;
        int r;

        r = placement_capture(w->pid, w->pid_fd, &w->threads, &placement);
        if (r < 0) {
                log_warning_errno(r, "%s: how its threads run is left to its unit after the update, as it cannot be "
                                     "told: %m", w->name);
                return;
        }
        if (w->placement)
                placement->memory_policy = w->placement->memory_policy;
        placement_free(w->placement);
        w->placement = TAKE_PTR(placement);
}

void workload_capture_memory_policy(Workload *w) {
        int r;

        if (!w->placement)
                return;
        r = placement_capture_memory_policy(w->placement, w->pid);
        if (r < 0)
                log_warning_errno(r, "%s: its NUMA policy is left to its unit after the update, as it cannot be told: "
                                     "%m", w->name);
}

json_object *workload_memory_policy(const Workload *w) {
        json_object *policy;

        if (!w->is_preserved || !w->placement || w->placement->memory_policy.mode == 0)
                return NULL;
        return memory_policy_to_json(&w->placement->memory_policy, &policy) < 0 ? NULL : policy;
}
