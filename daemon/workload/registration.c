/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a workload comes into the registry, and what becomes of it when its process ends. */

#include <errno.h>
#include <stdlib.h>

#include "workload/workload-internal.h"

/* A process that ended before its guest ran again leaves the session as it was: the next claim gets the same fds. */
static int on_process_ended(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Workload *w = userdata;
        bool can_be_claimed_again = w->is_preserved;

        if (can_be_claimed_again && w->state != WORKLOAD_FAILED) {
                w->state = WORKLOAD_PRESERVED;
                workload_set_problem(w, "its process %i ended before the guest ran", (int) w->pid);
        }
        qemu_detach(w, -ESRCH);
        workload_unwatch_process(w);
        if (can_be_claimed_again) {
                workload_drop_kept(w, KEPT_PROCESS);
                workload_drop_kept(w, KEPT_QMP);
        } else
                workload_drop_all_kept(w);

        w->registry->listener.gone(w, w->registry->listener.userdata);
        if (!can_be_claimed_again)
                workload_free(w);
        return 0;
}

int workload_watch_process(Workload *w, pid_t pid, int pid_fd) {
        int r = sd_event_add_io(w->registry->event, &w->pid_source, pid_fd, EPOLLIN, on_process_ended, w);

        if (r < 0) {
                fd_close(pid_fd);
                return r;
        }
        w->pid_fd = pid_fd;
        w->pid = pid;
        return 0;
}

void workload_unwatch_process(Workload *w) {
        w->pid_source = sd_event_source_disable_unref(w->pid_source);
        w->pid_fd = fd_close(w->pid_fd);
        w->pid = 0;
}

static int workload_attach_process(Workload *w, WorkloadRegistration *registration) {
        int r;

        r = workload_watch_process(w, registration->pid, TAKE_FD(registration->pid_fd));
        if (r < 0)
                return r;
        workload_keep(w, KEPT_PROCESS, w->pid_fd);
        workload_keep(w, KEPT_QMP, registration->qmp_fd);

        r = qemu_attach(w, TAKE_FD(registration->qmp_fd));
        if (r < 0) {
                workload_unwatch_process(w);
                workload_drop_kept(w, KEPT_PROCESS);
                workload_drop_kept(w, KEPT_QMP);
        }
        return r;
}

static int workload_claim(Workload *w, WorkloadRegistration *registration) {
        int r;

        if (registration->uid != w->uid && registration->uid != 0)
                return -EPERM;
        if (w->pid != 0 || !w->is_preserved)
                return -EEXIST;
        if (w->ram_fd < 0 || w->state_fd < 0)
                return -ENODATA;
        if (registration->ram_bytes != w->ram_bytes)
                return -ENOSPC;

        w->state = WORKLOAD_RESTORING;
        w->running_tsc = 0;
        workload_clear_problem(w);
        r = workload_attach_process(w, registration);
        if (r < 0)
                w->state = WORKLOAD_PRESERVED;
        return r;
}

int registry_register(Registry *registry, WorkloadRegistration *registration, Workload **ret) {
        Workload *w = registry_get(registry, registration->name);
        int r;

        if (w) {
                *ret = w;
                return workload_claim(w, registration);
        }
        if (registry->size >= WORKLOADS_MAX)
                return -E2BIG;

        r = workload_new(registration->name, registration->kind, &w);
        if (r < 0)
                return r;
        registry_link(registry, w);
        w->state = WORKLOAD_RUNNING;
        w->uid = registration->uid;
        w->ram_bytes = registration->ram_bytes;
        w->ram_fd = TAKE_FD(registration->ram_fd);

        r = workload_attach_process(w, registration);
        if (r < 0) {
                workload_free(w);
                return r;
        }
        workload_keep(w, KEPT_RAM, w->ram_fd);

        *ret = w;
        return 0;
}

void workload_registration_done(WorkloadRegistration *registration) {
        registration->pid_fd = fd_close(registration->pid_fd);
        registration->ram_fd = fd_close(registration->ram_fd);
        registration->qmp_fd = fd_close(registration->qmp_fd);
}

int registry_add_preserved(Registry *registry, const char *name, int session_fd, Workload **ret) {
        Workload *w;
        int r;

        r = workload_new(name, "qemu", &w);
        if (r < 0) {
                fd_close(session_fd);
                return r;
        }
        registry_link(registry, w);
        w->session_fd = session_fd;
        w->is_preserved = true;
        w->state = WORKLOAD_PRESERVED;
        *ret = w;

        workload_keep(w, KEPT_SESSION, w->session_fd);
        r = workload_take_preserved(w);
        if (r < 0)
                w->state = WORKLOAD_FAILED;
        return r;
}
