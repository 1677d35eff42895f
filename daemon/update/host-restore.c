/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The host under the new kernel: when it begins, who waits for it and for how long, and what it is told. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/json.h"
#include "basic/log.h"
#include "update/host-internal.h"

/* For guests, after which they go on without: something in the kernel or the other program hangs. */
#define PATIENCE_USEC (5ULL * 1000 * 1000)

HostRestore *host_restore_free(HostRestore *host) {
        if (!host)
                return NULL;
        task_free(host->task);
        task_free(host->privileged);
        boot_watch_free(host->boot);
        host_watch_free(host->watch);
        sd_event_source_disable_unref(host->settle);
        sd_event_source_disable_unref(host->patience);
        host_state_unref(host->state);
        free(host->id);
        free(host);
        return NULL;
}

DEFINE_CLEANUP(HostRestore *, host_restore_free)

bool host_restore_is_ready(const HostRestore *host) {
        return !host || host->is_impatient || host->are_settings_back;
}

/* As long as a thread is at it, only that. */
json_object *host_restore_report(const HostRestore *host) {
        _cleanup_json_ json_object *o = NULL;

        if (!host->task && !host->privileged)
                return host_state_report(host->state, "restoring");
        o = json_object_new_object();
        if (!o || json_add_string(o, "outcome", "restoring") < 0 || json_add(o, "parts", json_object_new_array()) < 0)
                return NULL;
        return TAKE_PTR(o);
}

static void on_interface(void *userdata) {
        HostRestore *host = userdata;

        host->is_wanting = true;
        host_restore_go_on(host);
}

static void on_boot_over(void *userdata) {
        HostRestore *host = userdata;

        host->boot = boot_watch_free(host->boot);
        host->is_late = true;
        host_restore_go_on(host);
}

void host_restore_after_update(HostRestore *host) {
        int r = host && !host->boot && !host->is_late ?
                        boot_watch_new(host->manager->event, on_boot_over, host, &host->boot) :
                        0;

        if (r < 0) {
                log_warning_errno(r, "When the boot is over, nobody will tell: %m");
                on_boot_over(host);
        }
}

void host_restore_hurry(HostRestore *host, void (*over)(void *userdata), void *userdata) {
        host->over = over;
        host->over_userdata = userdata;
        host->is_hurried = true;
        host_restore_go_on(host);
}

static int on_impatient(sd_event_source *source, uint64_t usec, void *userdata) {
        HostRestore *host = userdata;

        host->patience = sd_event_source_disable_unref(host->patience);
        if (host_restore_is_ready(host))
                return 0;
        log_error("The host's %s not back after %llu s, the guests go on without.",
                        !host->is_network_up             ? "network is" :
                                        host->is_privileged_done ? "settings are" :
                                                                   "clock and modules are",
                        PATIENCE_USEC / 1000000);
        host->is_impatient = true;
        varlink_server_set_accepting(host->manager->varlink, true);
        update_host_ready(host->manager);
        return 0;
}

static int host_restore_new(Manager *manager, HostState *state, const char *id, HostRestore **ret) {
        _cleanup_(host_restore_freep) HostRestore *host = calloc(1, sizeof(*host));
        int r;

        if (!host)
                return -ENOMEM;
        host->manager = manager;
        host->state = host_state_ref(state);
        host->id = strdup(id);
        if (!host->id)
                return -ENOMEM;
        r = host_watch_new(manager->event, on_interface, host, &host->watch);
        if (r < 0)
                log_warning_errno(r, "Interfaces that come late are put back late: %m");
        r = sd_event_add_time_relative(manager->event, &host->patience, CLOCK_MONOTONIC, PATIENCE_USEC, 100000,
                        on_impatient, host);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(host);
        return 0;
}

int host_restore_start(Manager *manager, HostState *state, const char *id) {
        int r = host_restore_new(manager, state, id, &manager->host);

        if (r < 0)
                return r;
        varlink_server_set_accepting(manager->varlink, false);
        host_restore_go_beside(manager->host);
        host_restore_go_on(manager->host);
        return 0;
}
