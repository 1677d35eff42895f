/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The host under the new kernel, beside the update that goes on:
 *
 *   settings, network             then they may claim what is preserved of them, and their processes come up
 *   firewall                      and on another thread what takes other rights
 *   settings again                those that came with these; then the guests may go on
 *   the network once more         whenever an interface comes that was missing
 *   all once more                 when the boot is over, and a while after that, since the services of the distribution
 *                                 had their turn and may have undone some of it
 *
 * Each is computed as the difference to what is there, so that it can be done as often as it takes. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/json.h"
#include "basic/log.h"
#include "update/host-internal.h"
#include "update/report.h"

/* For network services that only begin when the boot is over. */
#define SETTLE_USEC (10ULL * 1000 * 1000)

static void unref_state(void *data) {
        host_state_unref(data);
}

/* A thread that cannot be had is no reason to lose it: then it is done here. */
static void run(HostRestore *host, TaskFunc func, TaskDoneFunc done, Task **ret) {
        int r = task_start(host->manager->event, func, host_state_ref(host->state), unref_state, done, host, ret);

        if (r >= 0)
                return;
        log_warning_errno(r, "No thread to put the host's state back: %m");
        done(func(host->state), host);
}

static void complain(int error) {
        if (error < 0)
                log_error_errno(error, "The host's state cannot be put back: %m");
}

/* the end */

/* An update that came after it, and was rolled back, has a report of its own. */
static bool is_reported(const HostRestore *host) {
        const char *id;

        return json_get_string(host->manager->report, "id", &id) >= 0 && strcmp(id, host->id) == 0;
}

static void end(HostRestore *host) {
        Manager *manager = host->manager;
        bool has_problems = host_state_has_problems(host->state);
        _cleanup_json_ json_object *o = host_state_report(host->state, has_problems ? "partial" : "restored");
        void (*over)(void *userdata) = host->over;
        void *userdata = host->over_userdata;

        if (o && is_reported(host) && json_add(manager->report, "host", TAKE_PTR(o)) >= 0)
                report_keep(manager, json_object_get(manager->report));
        host_state_tell(host->state, host->id);
        host_state_drop_kept(host->state);
        manager->keeps_tmpfs = host_state_lacks_tmpfs(host->state);
        baseline_keep(manager->baseline);
        manager->host = host_restore_free(host);
        if (over)
                over(userdata);
}

/* one after the other */

static void on_network(int error, void *userdata) {
        HostRestore *host = userdata;

        complain(error);
        host->task = task_free(host->task);
        if (!host->is_network_up) {
                host->is_network_up = true;
                varlink_server_set_accepting(host->manager->varlink, true);
        }
        host_restore_go_on(host);
}

static void on_firewall(int error, void *userdata) {
        HostRestore *host = userdata;

        complain(error);
        host->task = task_free(host->task);
        host->is_firewall_up = true;
        host_restore_go_on(host);
}

static void on_settings(int error, void *userdata) {
        HostRestore *host = userdata;

        complain(error);
        host->task = task_free(host->task);
        host->are_settings_back = true;
        host->patience = sd_event_source_disable_unref(host->patience);
        update_host_ready(host->manager);
        baseline_keep(host->manager->baseline); /* a successor would find nothing to change */
        host_restore_go_on(host);
}

static void on_tmpfs(int error, void *userdata) {
        HostRestore *host = userdata;

        complain(error);
        host->privileged = task_free(host->privileged);
        host->is_tmpfs_tried = true;
        host_restore_go_on(host);
}

static void on_privileged(int error, void *userdata) {
        HostRestore *host = userdata;
        bool has_tmpfs = host->state->n_tmpfs > 0;

        complain(error);
        host->privileged = task_free(host->privileged);
        host->is_privileged_done = true;
        host->is_tmpfs_tried = !has_tmpfs;
        host_restore_go_on(host);
        if (has_tmpfs)
                run(host, host_run_tmpfs, on_tmpfs, &host->privileged);
}

static int on_settled(sd_event_source *source, uint64_t usec, void *userdata) {
        HostRestore *host = userdata;

        host->settle = sd_event_source_disable_unref(host->settle);
        host_restore_go_on(host);
        return 0;
}

static void on_later(int error, void *userdata) {
        HostRestore *host = userdata;

        complain(error);
        host->task = task_free(host->task);
        host->n_later++;
        if (host->n_later < 2 && !host->is_hurried &&
                        sd_event_add_time_relative(host->manager->event, &host->settle, CLOCK_MONOTONIC, SETTLE_USEC,
                                        1000000, on_settled, host) >= 0)
                host_restore_go_on(host); /* an interface may have come meanwhile */
        else
                end(host);
}

/* Whether all is through that runs but once. */
static bool is_first_over(const HostRestore *host) {
        return host->are_settings_back && host->is_tmpfs_tried;
}

void host_restore_go_on(HostRestore *host) {
        if (host->task)
                return;
        if (!host->is_network_up) {
                host->is_wanting = false;
                run(host, host_run_first, on_network, &host->task);
        } else if (!host->is_firewall_up)
                run(host, host_run_firewall, on_firewall, &host->task);
        else if (!host->are_settings_back && host->is_privileged_done)
                run(host, host_run_settings, on_settings, &host->task);
        else if (is_first_over(host) && (host->is_hurried || (host->is_late && !host->settle))) {
                host->settle = sd_event_source_disable_unref(host->settle);
                run(host, host_run_later, on_later, &host->task);
        } else if (host->is_wanting && host->state->results[HOST_NETWORK].n_missing > 0) {
                host->is_wanting = false;
                run(host, host->is_late ? host_run_network_later : host_run_network, on_network, &host->task);
        }
}

void host_restore_go_beside(HostRestore *host) {
        run(host, host_run_privileged, on_privileged, &host->privileged);
}
