/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What of the host's state goes into the manifest. It is read on a thread, while the guests run and nothing is stopped
 * yet, so that it is the state in which the operator said: commit. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/json.h"
#include "basic/log.h"
#include "host/irqs.h"
#include "host/network.h"
#include "privileged/privileged.h"
#include "update/host.h"

struct HostCapture {
        ReconcileNetwork scope;
        pid_t *pids; /* of the workloads */
        size_t n_pids;
        Baseline *baseline;
        json_object *host, *omitted;
        char *why;
};

static void capture_free(void *data) {
        HostCapture *capture = data;

        baseline_unref(capture->baseline);
        json_object_put(capture->host);
        json_object_put(capture->omitted);
        free(capture->pids);
        free(capture->why);
        free(capture);
}

static int add(HostCapture *capture, const char *key, json_object *value) {
        return json_add(capture->host, key, value);
}

static int omit(HostCapture *capture, int error, const char *what) {
        return error == -ENOMEM ? error : json_append_text(capture->omitted, "%s: %s", what, strerror(-error));
}

/* network */

static inline void names_freep(char ***names) {
        network_names_free(*names);
}

int host_network_read(ReconcileNetwork scope, const pid_t *pids, size_t n_pids, json_object *omitted, Network **ret) {
        _cleanup_(names_freep) char **interfaces = NULL;
        _cleanup_(network_freep) Network *network = NULL;
        int r = 0;

        *ret = NULL;
        for (size_t i = 0; scope == RECONCILE_WORKLOADS && r >= 0 && i < n_pids; i++)
                r = network_interfaces_of_process(pids[i], &interfaces);
        if (r < 0 || scope == RECONCILE_OFF || (scope == RECONCILE_WORKLOADS && !interfaces))
                return r;
        r = network_capture(&network);
        if (r >= 0)
                r = network_select(network, (const char *const *) interfaces, omitted);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(network);
        return 0;
}

static int capture_firewall(HostCapture *capture) {
        _cleanup_free_ char *why = NULL;
        json_object *tables;
        int r = privileged_capture_firewall(&tables, &why);

        if (r == -EOPNOTSUPP) /* there is none */
                return 0;
        if (r < 0)
                return r == -ENOMEM ? r : json_append_text(capture->omitted, "the tables of nftables: %s",
                                                                why ?: strerror(-r));
        return add(capture, "firewall", tables);
}

/* A guest without its bridge is not back: without this there is no update. */
static int capture_network(HostCapture *capture) {
        _cleanup_(network_freep) Network *network = NULL;
        int r = host_network_read(capture->scope, capture->pids, capture->n_pids, capture->omitted, &network);

        if (r < 0 || !network)
                return r;
        r = add(capture, "network", network_to_json(network));
        return r < 0 ? r : capture_firewall(capture);
}

/* settings */

static int capture_settings(HostCapture *capture) {
        json_object *settings;
        bool is_known;
        int r = baseline_changed(capture->baseline, &settings, &is_known);

        if (r < 0)
                return omit(capture, r, "settings that were changed");
        r = add(capture, "settings", settings);
        if (r < 0 || is_known)
                return r;
        return json_append_text(capture->omitted, "settings that were changed within %llu s of the boot",
                        BASELINE_USEC / 1000000);
}

static int capture_modules(HostCapture *capture) {
        _cleanup_free_ char *why = NULL;
        json_object *modules;
        int r = privileged_list_modules(&modules, &why);

        if (r < 0)
                return r == -ENOMEM ? r : json_append_text(capture->omitted, "modules of the kernel: %s",
                                                                why ?: strerror(-r));
        return add(capture, "modules", modules);
}

static int run_capture(void *data) {
        HostCapture *capture = data;
        int r = capture_network(capture);

        if (r < 0 && asprintf(&capture->why, "cannot read the network: %s%s", strerror(-r),
                                     r == -E2BIG ? "; ReconcileNetwork=workloads or off takes less of it" : "") < 0)
                capture->why = NULL;
        if (r >= 0)
                r = capture_settings(capture);
        if (r >= 0)
                r = add(capture, "interrupts", irqs_capture(""));
        return r < 0 ? r : capture_modules(capture);
}

/* the event loop */

static int capture_new(const Update *update, HostCapture **ret) {
        const Manager *manager = update->manager;
        HostCapture *capture = calloc(1, sizeof(*capture));

        if (!capture)
                return -ENOMEM;
        capture->scope = manager->config->reconcile_network;
        capture->baseline = baseline_ref(manager->baseline);
        capture->host = json_object_new_object();
        capture->omitted = json_object_new_array();
        capture->pids = calloc(registry_size(manager->registry) + 1, sizeof(*capture->pids));
        if (!capture->host || !capture->omitted || !capture->pids) {
                capture_free(capture);
                return -ENOMEM;
        }
        for (Workload *w = NULL; (w = registry_next(manager->registry, w));)
                if (update_takes_part(update, w))
                        capture->pids[capture->n_pids++] = workload_pid(w);
        *ret = capture;
        return 0;
}

static void tell_omitted(json_object *omitted) {
        for (size_t i = 0; i < json_object_array_length(omitted); i++)
                log_warning("Not carried to the next kernel: %s.",
                                json_object_get_string(json_object_array_get_idx(omitted, i)));
}

static void on_captured(int error, void *userdata) {
        Update *update = userdata;
        HostCapture *capture = TAKE_PTR(update->capture);

        if (error < 0)
                (void) update_explain(update, error, "%s", capture->why ?: strerror(-error));
        else {
                tell_omitted(capture->omitted);
                error = json_add(capture->host, "omitted", TAKE_PTR(capture->omitted));
                json_object_put(update->manifest.host);
                update->manifest.host = TAKE_PTR(capture->host);
        }
        update->host_task = task_free(update->host_task); /* and `capture` with it */
        update->host_done(error, update);
}

static int start(Update *update) {
        HostCapture *capture;
        int r;

        r = capture_new(update, &capture);
        if (r < 0)
                return r;
        update->capture = capture;
        r = task_start(update->manager->event, run_capture, capture, capture_free, on_captured, update,
                        &update->host_task);
        if (r < 0)
                update->capture = NULL;
        return r;
}

/* Whoever committed could not know it yet (host_add_losses()). */
static int explain_tmpfs(Update *update) {
        return update_explain(update, -EBUSY, "contents of a tmpfs, which the update before brought, are still in "
                                              "memory alone, see liveupdatectl report; mount it and restart "
                                              "liveupdated.service");
}

static void on_host_restored(void *userdata) {
        Manager *manager = userdata;
        Update *update = manager->update;
        int r;

        if (!update || !update->host_done || update->is_undoing)
                return;
        r = manager->keeps_tmpfs ? explain_tmpfs(update) : start(update);
        if (r < 0)
                update->host_done(r, update);
}

int host_capture(Update *update, TaskDoneFunc done) {
        Manager *manager = update->manager;
        int r;

        update->host_done = done;
        if (manager->host) {
                host_restore_hurry(manager->host, on_host_restored, manager);
                return 1;
        }
        r = start(update);
        return r < 0 ? r : 1;
}
