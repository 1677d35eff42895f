/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/finding.h"
#include "basic/json.h"
#include "basic/log.h"
#include "kexec/watch.h"
#include "update/check.h"
#include "update/manager.h"
#include "update/reply.h"
#include "update/stage-api.h"
#include "update/stage-order.h"
#include "update/story.h"

/* Told to the caller, to the journal, and to the status if nobody else hears of it. */
static int refuse(VarlinkCall *call, Manager *manager, const StageOrder *order, const ErrorReply *error) {
        story_stage_failed(stage_order_origin(order), error->message, error->remedy);
        if (order->is_automatic)
                automation_failed(manager, "stage", order->release, error->message, error->remedy);
        return reply_error(call, error);
}

static int refuse_fault(VarlinkCall *call, Manager *manager, const StageOrder *order, const StageOrderFault *fault) {
        _cleanup_free_ char *message = NULL;

        if (fault->parameter)
                return varlink_call_invalid_parameter(call, fault->parameter);
        if (asprintf(&message, "Cannot open %s: %s", fault->path, strerror(-fault->error)) < 0) {
                message = NULL;
                return -ENOMEM;
        }
        return refuse(call, manager, order, &(ErrorReply) {
                        .error = "ImageRefused",
                        .reason = "unreadable",
                        .message = message,
                        .remedy = "Give the path of a file that the daemon can read.",
        });
}

static int refuse_while_updating(VarlinkCall *call, Manager *manager, const StageOrder *order) {
        if (order->is_automatic)
                automation_failed(manager, "stage", order->release, "An update was under way.",
                                "Stage it now: liveupdatectl stage RELEASE.");
        return reply_in_progress(call);
}

/* 0: go on; 1: answered. */
static int check_wanted(VarlinkCall *call, Manager *manager, const StageOrder *order) {
        _cleanup_free_ char *objection = NULL;
        int r;

        if (!order->is_automatic)
                return 0;
        r = automation_object(manager, order->release, &objection);
        if (r < 0 || !objection)
                return r;
        r = reply_error(call, &(ErrorReply) {
                        .error = "NotWanted",
                        .message = objection,
                        .remedy = "Stage it by hand if it is meant: liveupdatectl stage RELEASE.",
        });
        return r < 0 ? r : 1;
}

static int begin(VarlinkCall *call, Manager *manager, StageOrder *order) {
        order->verify = manager->config->verify_image;
        order->measure = manager->config->measure_image;
        return stagings_add(manager, call, order);
}

static int read_order(VarlinkCall *call, Manager *manager, json_object *parameters, StageOrder **ret) {
        _cleanup_(stage_order_freep) StageOrder *order = NULL;
        StageOrderFault fault;
        int r;

        r = stage_order_read(call, parameters, &order, &fault);
        if (r < 0)
                return r;
        if (r > 0) {
                r = refuse_fault(call, manager, order, &fault);
                free(fault.path);
                return r < 0 ? r : 1;
        }
        *ret = TAKE_PTR(order);
        return 0;
}

int method_stage(VarlinkCall *call, json_object *parameters, void *userdata) {
        _cleanup_(stage_order_freep) StageOrder *order = NULL;
        Manager *manager = userdata;
        int r;

        r = read_order(call, manager, parameters, &order);
        if (r != 0)
                return r < 0 ? r : 0;
        if (manager->update)
                return refuse_while_updating(call, manager, order);
        r = check_wanted(call, manager, order);
        if (r != 0)
                return r < 0 ? r : 0;
        return begin(call, manager, TAKE_PTR(order));
}

static int reply_findings(VarlinkCall *call, json_object *findings) {
        _cleanup_json_ json_object *o = json_object_new_object();

        if (!o || json_add(o, "findings", json_object_get(findings)) < 0 ||
                        json_add_bool(o, "passed", findings_passed(findings)) < 0)
                return -ENOMEM;
        return varlink_call_reply(call, TAKE_PTR(o), NULL, 0);
}

int method_check(VarlinkCall *call, json_object *parameters, void *userdata) {
        _cleanup_(stage_order_freep) StageOrder *order = NULL;
        _cleanup_json_ json_object *findings = NULL;
        Manager *manager = userdata;
        int r;

        if (stage_order_names_image(parameters)) {
                r = read_order(call, manager, parameters, &order);
                if (r != 0)
                        return r < 0 ? r : 0;
                order->is_check = true;
                order->is_automatic = false;
                return begin(call, manager, TAKE_PTR(order));
        }
        findings = json_object_new_array();
        r = findings ? check_host(manager, findings) : -ENOMEM;
        if (r >= 0 && !stagings_are_loading(manager)) /* its load counts before it is told */
                r = check_loaded(manager->staged, findings);
        if (r >= 0 && manager->staged)
                r = check_staged(manager, manager->staged, findings);
        return r < 0 ? r : reply_findings(call, findings);
}

/* What refuses an image is a finding, too. */
static int check_done(Manager *manager, VarlinkCall *call, Staging *staging, int result) {
        _cleanup_(staged_kernel_freep) StagedKernel *staged = staging_take(staging);
        _cleanup_json_ json_object *findings = json_object_new_array();
        const StageProblem *problem = staging_problem(staging);
        int r;

        r = findings ? check_host(manager, findings) : -ENOMEM;
        if (r >= 0)
                r = check_staged(manager, staged, findings);
        if (r >= 0 && result > 0)
                r = findings_add(findings, finding_new(problem->reason ?: "image", "fail", problem->message, NULL,
                                problem->remedy));
        return r < 0 ? r : reply_findings(call, findings);
}

static int reply_staged(VarlinkCall *call, Manager *manager) {
        _cleanup_json_ json_object *o = json_object_new_object(), *findings = json_object_new_array();

        if (!o || !findings || check_staged(manager, manager->staged, findings) < 0 ||
                        json_add(o, "staged", staged_kernel_to_json(manager->staged)) < 0 ||
                        json_add(o, "findings", TAKE_PTR(findings)) < 0 ||
                        json_add_string(o, "autoCommit", auto_commit_to_string(manager->config->auto_commit)) < 0)
                return -ENOMEM;
        return varlink_call_reply(call, TAKE_PTR(o), NULL, 0);
}

static int adopt(Manager *manager, VarlinkCall *call, StagedKernel *staged) {
        int r;

        staged_kernel_free(manager->staged);
        manager->staged = staged;
        staged_kernel_save(staged);
        automation_succeeded(manager);
        story_staged(staged);
        if (manager->config->checksum_skip != CHECKSUM_SKIP_OFF && staged->load.checksum_skip != CHECKSUM_SKIP_PROVEN)
                log_warning("The jump will compute a checksum over all segments, which takes about %.0f ms. %s",
                                (double) staged->checksum_usec / 1000, staged->load.evidence);
        r = reply_staged(call, manager);
        return r < 0 ? r : 1;
}

int stage_api_done(Manager *manager, VarlinkCall *call, Staging *staging, int result) {
        const StageProblem *problem = staging_problem(staging);

        if (result < 0)
                return result;
        if (staging_order(staging)->is_check)
                return check_done(manager, call, staging, result);
        if (result == 0)
                return adopt(manager, call, staging_take(staging));
        if (strcmp(problem->error, "KernelRefused") == 0 && manager->staged) {
                kexec_loaded_follow(&manager->staged->load, staging_load(staging));
                staged_kernel_save(manager->staged);
        }
        return refuse(call, manager, staging_order(staging), &(ErrorReply) {
                        .error = problem->error,
                        .reason = problem->reason,
                        .message = problem->message,
                        .remedy = problem->remedy,
                        .findings = strcmp(problem->error, "CheckFailed") == 0 ? staging_findings(staging) : NULL,
        });
}

static int reply_unstaged(VarlinkCall *call, bool unstaged) {
        _cleanup_json_ json_object *o = json_object_new_object();

        if (!o || json_add_bool(o, "unstaged", unstaged) < 0)
                return -ENOMEM;
        return varlink_call_reply(call, TAKE_PTR(o), NULL, 0);
}

static bool is_staged(const Manager *manager, const char *release) {
        return manager->staged && manager->staged->release && strcmp(manager->staged->release, release) == 0;
}

int method_unstage(VarlinkCall *call, json_object *parameters, void *userdata) {
        Manager *manager = userdata;
        const char *release = NULL;
        int r;

        r = json_get_string(parameters, "release", &release);
        if (r < 0 && r != -ENOENT)
                return varlink_call_invalid_parameter(call, "release");
        if (manager->update)
                return reply_in_progress(call);
        if (stagings_are_loading(manager))
                return reply_staging(call);
        if (release && !is_staged(manager, release))
                return reply_unstaged(call, false);
        if (!manager->staged)
                return reply_error(call, &(ErrorReply) { .error = "NothingStaged", .message = "No kernel is staged." });

        r = kexec_unload();
        if (r < 0)
                return reply_error(call, &(ErrorReply) {
                                .error = "KernelRefused", .message = strerror(-r), .remedy = kexec_error_remedy(r) });
        story_unstaged(manager->staged);
        manager->staged = staged_kernel_free(manager->staged);
        staged_kernel_forget();
        return reply_unstaged(call, true);
}
