/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "basic/json.h"
#include "timeline/timeline.h"
#include "workload/workload-internal.h"

static const char *const workload_state_table[_WORKLOAD_STATE_MAX] = {
        [WORKLOAD_RUNNING] = "running",     [WORKLOAD_PAUSED] = "paused",       [WORKLOAD_SAVED] = "saved",
        [WORKLOAD_PRESERVED] = "preserved", [WORKLOAD_RESTORING] = "restoring", [WORKLOAD_LOADED] = "loaded",
        [WORKLOAD_FAILED] = "failed",
};

const char *workload_state_to_string(WorkloadState state) {
        return workload_state_table[state];
}

bool workload_name_is_valid(const char *name) {
        size_t n = strlen(name);

        if (n == 0 || n > WORKLOAD_NAME_MAX || !isalnum((unsigned char) name[0]))
                return false;
        return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == n;
}

void workload_set_problem(Workload *w, const char *format, ...) {
        va_list ap;

        free(TAKE_PTR(w->problem));
        va_start(ap, format);
        if (vasprintf(&w->problem, format, ap) < 0)
                w->problem = NULL;
        va_end(ap);
}

void workload_clear_problem(Workload *w) {
        free(TAKE_PTR(w->problem));
}

Workload *workload_free(Workload *w) {
        Registry *registry = w->registry;

        if (registry) {
                *(w->previous ? &w->previous->next : &registry->first) = w->next;
                *(w->next ? &w->next->previous : &registry->last) = w->previous;
                registry->size--;
        }

        sd_event_source_disable_unref(w->operation.deferred);
        sd_event_source_disable_unref(w->pid_source);
        task_free(w->preserve);
        workload_stop_placing(w);
        placement_free(w->placement);
        qemu_threads_done(&w->threads);
        qmp_free(w->qmp);
        fd_close(w->pid_fd);
        fd_close(w->ram_fd);
        fd_close(w->state_fd);
        fd_close(w->description_fd);
        fd_close(w->session_fd);
        free(w->operation.why);
        free(w->problem);
        free(w->kind);
        free(w->name);
        free(w);
        return NULL;
}

int workload_new(const char *name, const char *kind, Workload **ret) {
        _cleanup_(workload_freep) Workload *w = NULL;

        w = calloc(1, sizeof(*w));
        if (!w)
                return -ENOMEM;
        w->pid_fd = w->ram_fd = w->state_fd = w->description_fd = w->session_fd = -EBADF;
        w->name = strdup(name);
        w->kind = strdup(kind);
        if (!w->name || !w->kind)
                return -ENOMEM;

        *ret = TAKE_PTR(w);
        return 0;
}

void registry_link(Registry *registry, Workload *w) {
        w->registry = registry;
        w->previous = registry->last;
        *(registry->last ? &registry->last->next : &registry->first) = w;
        registry->last = w;
        registry->size++;
}

int registry_new(sd_event *event, const RegistryListener *listener, Registry **ret) {
        Registry *registry = calloc(1, sizeof(*registry));

        if (!registry)
                return -ENOMEM;
        registry->event = sd_event_ref(event);
        registry->listener = *listener;
        *ret = registry;
        return 0;
}

Registry *registry_free(Registry *registry) {
        if (!registry)
                return NULL;
        while (registry->first)
                workload_free(registry->first);
        sd_event_unref(registry->event);
        free(registry);
        return NULL;
}

size_t registry_size(Registry *registry) {
        return registry->size;
}

Workload *registry_next(Registry *registry, Workload *w) {
        return w ? w->next : registry->first;
}

Workload *registry_get(Registry *registry, const char *name) {
        for (Workload *w = registry->first; w; w = w->next)
                if (strcmp(w->name, name) == 0)
                        return w;
        return NULL;
}

const char *workload_name(const Workload *w) {
        return w->name;
}

const char *workload_kind(const Workload *w) {
        return w->kind;
}

WorkloadState workload_state(const Workload *w) {
        return w->state;
}

const char *workload_problem(const Workload *w) {
        if (!w->problem && w->is_being_taken_over)
                return "QEMU has not told yet how it is, since the daemon was restarted";
        return w->problem;
}

pid_t workload_pid(const Workload *w) {
        return w->pid;
}

int workload_ram_fd(const Workload *w) {
        return w->ram_fd;
}

bool workload_is_preserved(const Workload *w) {
        return w->is_preserved;
}

uint64_t workload_blackout_usec(const Workload *w, uint64_t tsc_hz) {
        if (w->running_tsc <= w->paused_tsc || w->paused_tsc == 0)
                return 0;
        return tsc_to_usec(w->running_tsc - w->paused_tsc, tsc_hz);
}

json_object *workload_to_json(const Workload *w) {
        _cleanup_json_ json_object *o = json_object_new_object();

        if (!o || json_add_string(o, "name", w->name) < 0 || json_add_string(o, "kind", w->kind) < 0 ||
                        json_add_string(o, "state", workload_state_to_string(w->state)) < 0 ||
                        (w->pid > 0 && json_add_u64(o, "pid", (uint64_t) w->pid) < 0) ||
                        json_add_u64(o, "ramBytes", w->ram_bytes) < 0 ||
                        json_add_string(o, "problem", workload_problem(w)) < 0)
                return NULL;
        return TAKE_PTR(o);
}
