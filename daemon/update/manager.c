/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "basic/json.h"
#include "basic/log.h"
#include "update/handover.h"
#include "update/host.h"
#include "update/manager.h"
#include "update/story.h"
#include "update/update.h"

static void on_workload_ready(Workload *w, void *userdata) {
        update_workload_ready(userdata, w);
}

static void on_workload_gone(Workload *w, void *userdata) {
        update_workload_gone(userdata, w);
}

static void manager_apply_config(const Manager *manager) {
        const char *problem;

        log_set_max_level(manager->config->log_level);
        for (size_t i = 0; (problem = config_problem(manager->config, i)); i++)
                story_config(problem);
}

void manager_reload(Manager *manager) {
        Config *config;
        int r;

        (void) sd_notify(0, "RELOADING=1\nSTATUS=Reading the configuration.");
        r = config_load("", &config);
        if (r < 0)
                log_error_errno(r, "Cannot read the configuration, the one before stays in effect: %m");
        else {
                config_free(manager->config);
                manager->config = config;
                manager_apply_config(manager);
                log_info("The configuration is read anew.");
        }
        (void) sd_notify(0, "READY=1\nSTATUS=Ready.");
}

void manager_end(Manager *manager) {
        if (manager->is_ending)
                return;
        manager->is_ending = true;
        if (manager->update && update_is_on_old_side(manager->update))
                update_abort(manager->update, "liveupdated was told to end");
        else
                (void) sd_event_exit(manager->event, 0);
}

int manager_new(Manager **ret) {
        _cleanup_(manager_freep) Manager *manager = calloc(1, sizeof(*manager));
        int r;

        if (!manager)
                return -ENOMEM;
        if (mkdir(LIVEUPDATE_RUNTIME_DIRECTORY, 0750) < 0 && errno != EEXIST)
                return log_error_errno(-errno, "Cannot create " LIVEUPDATE_RUNTIME_DIRECTORY ": %m");
        r = config_load("", &manager->config);
        if (r < 0)
                return r;
        manager_apply_config(manager);
        r = sd_event_default(&manager->event);
        if (r < 0)
                return r;
        r = registry_new(manager->event,
                        &(RegistryListener) {
                                        .ready = on_workload_ready, .gone = on_workload_gone, .userdata = manager },
                        &manager->registry);
        if (r < 0)
                return r;
        r = varlink_server_new(manager->event, "liveupdated", LIVEUPDATED_VERSION, &manager->varlink);
        if (r < 0)
                return r;
        r = varlink_server_add_interface(manager->varlink, &liveupdate_interface, manager);
        if (r < 0)
                return r;
        r = varlink_server_add_interface(manager->varlink, &workload_interface, manager);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(manager);
        return 0;
}

Manager *manager_free(Manager *manager) {
        if (!manager)
                return NULL;
        update_free(manager->update);
        host_restore_free(manager->host);
        baseline_stop(manager->baseline);
        baseline_unref(manager->baseline);
        handover_done(manager);
        stagings_forget(manager);
        sd_event_source_disable_unref(manager->settle);
        while (manager->n_monitors > 0)
                varlink_call_unref(manager->monitors[--manager->n_monitors]);
        registry_free(manager->registry);
        varlink_server_free(manager->varlink);
        staged_kernel_free(manager->staged);
        automation_done(&manager->automation);
        config_free(manager->config);
        json_object_put(manager->report);
        sd_event_unref(manager->event);
        free(manager);
        return NULL;
}

int manager_listen(Manager *manager, Inheritance *inheritance) {
        bool is_listening = false;
        int fd, r;

        while ((fd = inheritance_take_listening(inheritance)) >= 0) {
                r = varlink_server_take_listen_fd(manager->varlink, fd);
                if (r < 0) {
                        fd_close(fd);
                        return r;
                }
                is_listening = true;
        }
        if (is_listening)
                return 0;

        r = varlink_server_listen(manager->varlink, LIVEUPDATE_SOCKET, 0660);
        if (r == -EADDRINUSE)
                return log_error_errno(r, "Another liveupdated listens on " LIVEUPDATE_SOCKET
                                          " already. Stop it first.");
        return r;
}

static json_object *progress_new(const char *state, const char *phase, const char *text) {
        _cleanup_json_ json_object *o = json_object_new_object(), *progress = json_object_new_object();

        if (!o || !progress || json_add_string(progress, "state", state) < 0 ||
                        json_add_string(progress, "phase", phase) < 0 ||
                        json_add_string(progress, "text", text) < 0 ||
                        json_add(o, "progress", TAKE_PTR(progress)) < 0)
                return NULL;
        return TAKE_PTR(o);
}

void manager_tell(Manager *manager, const char *state, const char *phase, const char *text) {
        size_t kept = 0;

        for (size_t i = 0; i < manager->n_monitors; i++) {
                VarlinkCall *call = manager->monitors[i];

                if (!varlink_call_is_connected(call)) {
                        varlink_call_unref(call);
                        continue;
                }
                (void) varlink_call_notify(call, progress_new(state, phase, text));
                manager->monitors[kept++] = call;
        }
        manager->n_monitors = kept;
}

json_object *manager_progress(Manager *manager) {
        const char *state = "idle", *phase = NULL;

        if (manager->update)
                update_where(manager->update, &state, &phase);
        return progress_new(state, phase, NULL);
}
