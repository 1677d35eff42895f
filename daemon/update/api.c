/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* io.liveupdate on the control socket. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <systemd/sd-id128.h>

#include "basic/finding.h"
#include "basic/json.h"
#include "schemas/schemas.h"
#include "update/check.h"
#include "update/devices.h"
#include "update/manager.h"
#include "update/reply.h"
#include "update/requirements.h"
#include "update/stage-api.h"
#include "update/update.h"

static json_object *workloads_to_json(Registry *registry) {
        _cleanup_json_ json_object *list = json_object_new_array();

        for (Workload *w = NULL; list && (w = registry_next(registry, w));) {
                json_object *o = workload_to_json(w);

                if (!o || json_object_array_add(list, o) < 0) {
                        json_object_put(o);
                        return NULL;
                }
        }
        return TAKE_PTR(list);
}

/* Looking for them takes a while, which is not for the blackout. */
static json_object *strangers_to_json(Manager *manager) {
        _cleanup_json_ json_object *list = json_object_new_array();
        _cleanup_free_ Stranger *strangers = NULL;
        size_t n = 0;

        if (!list || (!manager->update && strangers_find(manager->registry, &strangers, &n) < 0))
                return NULL;
        for (size_t i = 0; i < n; i++) {
                json_object *o = json_object_new_object();

                if (!o || json_add_u64(o, "pid", (uint64_t) strangers[i].pid) < 0 ||
                                json_add_string(o, "comm", strangers[i].comm) < 0 ||
                                json_object_array_add(list, o) < 0) {
                        json_object_put(o);
                        return NULL;
                }
        }
        return TAKE_PTR(list);
}

static int method_status(VarlinkCall *call, json_object *parameters, void *userdata) {
        Manager *manager = userdata;
        _cleanup_json_ json_object *o = manager_progress(manager), *findings = json_object_new_array();
        struct utsname names;
        sd_id128_t boot_id;

        (void) uname(&names);
        if (!findings || check_upkeep(manager, findings) < 0 ||
                        (!manager->update && !stagings_are_loading(manager) &&
                                        check_loaded(manager->staged, findings) < 0))
                return -ENOMEM;
        findings_drop(findings, "ok");
        if (!o || sd_id128_get_boot(&boot_id) < 0 || json_add_string(o, "version", LIVEUPDATED_VERSION) < 0 ||
                        json_add_string(o, "kernel", names.release) < 0 ||
                        json_add_string(o, "bootId", SD_ID128_TO_STRING(boot_id)) < 0 ||
                        json_add(o, "support", check_support()) < 0 ||
                        (manager->staged && json_add(o, "staged", staged_kernel_to_json(manager->staged)) < 0) ||
                        json_add(o, "automation", automation_to_json(manager)) < 0 ||
                        json_add(o, "findings", TAKE_PTR(findings)) < 0 ||
                        json_add(o, "workloads", workloads_to_json(manager->registry)) < 0 ||
                        json_add(o, "strangers", strangers_to_json(manager)) < 0)
                return -ENOMEM;
        return varlink_call_reply(call, TAKE_PTR(o), NULL, 0);
}

static int method_config(VarlinkCall *call, json_object *parameters, void *userdata) {
        _cleanup_json_ json_object *o = json_object_new_object(), *problems = json_object_new_array();
        const Manager *manager = userdata;
        const char *problem;

        for (size_t i = 0; problems && (problem = config_problem(manager->config, i)); i++)
                if (json_object_array_add(problems, json_object_new_string(problem)) < 0)
                        return -ENOMEM;
        if (!o || !problems || json_add(o, "settings", config_to_json(manager->config)) < 0 ||
                        json_add(o, "problems", TAKE_PTR(problems)) < 0)
                return -ENOMEM;
        return varlink_call_reply(call, TAKE_PTR(o), NULL, 0);
}

static int method_commit(VarlinkCall *call, json_object *parameters, void *userdata) {
        _cleanup_(obstacle_done) Obstacle obstacle = {};
        Manager *manager = userdata;
        bool allow_loss = false, is_forced = false, is_automatic = false;
        int r;

        r = json_get_bool(parameters, "allowLoss", &allow_loss);
        if (r < 0 && r != -ENOENT)
                return varlink_call_invalid_parameter(call, "allowLoss");
        r = json_get_bool(parameters, "force", &is_forced);
        if (r < 0 && r != -ENOENT)
                return varlink_call_invalid_parameter(call, "force");
        r = json_get_bool(parameters, "automatic", &is_automatic);
        if (r < 0 && r != -ENOENT)
                return varlink_call_invalid_parameter(call, "automatic");
        r = is_automatic ? automation_check_commit(manager, call) : 0;
        if (r != 0)
                return r < 0 ? r : 0;
        if (stagings_are_loading(manager)) {
                if (is_automatic)
                        automation_commit_refused(manager, "A kernel was being staged at that moment.",
                                        "The next window tries again; or commit by hand: liveupdatectl commit.");
                return reply_staging(call);
        }
        r = requirements_check(manager, allow_loss, is_forced, &obstacle);
        if (r < 0)
                return r;
        if (!obstacle.error)
                return update_begin(manager, call, is_automatic);

        if (is_automatic)
                automation_commit_refused(manager, obstacle.message, obstacle.remedy);
        return reply_error(call, &(ErrorReply) {
                        .error = obstacle.error,
                        .message = obstacle.message,
                        .remedy = obstacle.remedy,
                        .losses = obstacle.losses,
                        .findings = obstacle.findings,
        });
}

static int method_workloads(VarlinkCall *call, json_object *parameters, void *userdata) {
        _cleanup_json_ json_object *o = json_object_new_object();
        Manager *manager = userdata;

        if (!o || json_add(o, "workloads", workloads_to_json(manager->registry)) < 0)
                return -ENOMEM;
        return varlink_call_reply(call, TAKE_PTR(o), NULL, 0);
}

static int method_report(VarlinkCall *call, json_object *parameters, void *userdata) {
        _cleanup_json_ json_object *o = json_object_new_object();
        Manager *manager = userdata;

        if (!manager->report)
                return reply_error(call, &(ErrorReply) {
                                .error = "NoReport",
                                .message = "There has been no update since this boot.",
                                .remedy = "Stage a kernel and commit.",
                });
        if (!o || json_add(o, "report", json_object_get(manager->report)) < 0)
                return -ENOMEM;
        return varlink_call_reply(call, TAKE_PTR(o), NULL, 0);
}

static int method_monitor(VarlinkCall *call, json_object *parameters, void *userdata) {
        Manager *manager = userdata;
        int r;

        if (manager->n_monitors == MONITORS_MAX)
                manager_tell(manager, "idle", NULL, NULL); /* weeds out who is gone */
        if (manager->n_monitors == MONITORS_MAX)
                return -EBUSY;
        r = varlink_call_notify(call, manager_progress(manager));
        if (r < 0)
                return r;
        manager->monitors[manager->n_monitors++] = varlink_call_ref(call);
        return 0;
}

static const VarlinkMethod methods[] = {
        { "Status",       method_status                                },
        { "Config",       method_config                                },
        { "Offer",        method_offer,         .is_privileged = true  },
        { "Stage",        method_stage,         .is_privileged = true  },
        { "StageFailed",  method_stage_failed,  .is_privileged = true  },
        { "Unstage",      method_unstage,       .is_privileged = true  },
        { "Check",        method_check,         .is_privileged = true  },
        { "Commit",       method_commit,        .is_privileged = true  },
        { "CommitFailed", method_commit_failed, .is_privileged = true  },
        { "Devices",      method_devices                               },
        { "Workloads",    method_workloads                             },
        { "Report",       method_report                                },
        { "Monitor",      method_monitor,       .needs_more = true     },
};

const VarlinkInterface liveupdate_interface = {
        .name = "io.liveupdate",
        .description = varlink_description_liveupdate,
        .methods = methods,
        .n_methods = ELEMENTSOF(methods),
};
