/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "basic/finding.h"
#include "basic/json.h"
#include "kexec/watch.h"
#include "luo/luo.h"
#include "update/check.h"
#include "update/handover.h"
#include "update/host.h"
#include "update/requirements.h"
#include "update/update.h"

void obstacle_done(Obstacle *obstacle) {
        free(obstacle->message);
        json_object_put(obstacle->losses);
        json_object_put(obstacle->findings);
        *obstacle = (Obstacle) {};
}

static int obstacle_set(Obstacle *obstacle, const char *error, const char *remedy, const char *format, ...)
                __attribute__((format(printf, 4, 5)));

static int obstacle_set(Obstacle *obstacle, const char *error, const char *remedy, const char *format, ...) {
        va_list ap;
        int n;

        obstacle->error = error;
        obstacle->remedy = remedy;
        va_start(ap, format);
        n = vasprintf(&obstacle->message, format, ap);
        va_end(ap);
        if (n < 0)
                obstacle->message = NULL;
        return n < 0 ? -ENOMEM : 0;
}

static int add_losses_among_workloads(Registry *registry, json_object *losses) {
        int r = 0;

        for (Workload *w = NULL; r >= 0 && (w = registry_next(registry, w));)
                if (workload_state(w) != WORKLOAD_RUNNING)
                        r = json_append_text(losses, "%s (%s, from the update before)", workload_name(w),
                                        workload_state_to_string(workload_state(w)));
                else if (workload_problem(w))
                        r = json_append_text(losses, "%s (%s)", workload_name(w), workload_problem(w));
        return r;
}

static int add_losses_among_strangers(Registry *registry, json_object *losses) {
        _cleanup_free_ Stranger *strangers = NULL;
        size_t n = 0;
        int r;

        r = strangers_find(registry, &strangers, &n);
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = json_append_text(losses, "%s (process %i, not started through liveupdate-run)", strangers[i].comm,
                                (int) strangers[i].pid);
        return r;
}

int requirements_losses(Manager *manager, json_object **ret) {
        _cleanup_json_ json_object *losses = json_object_new_array();
        int r;

        if (!losses)
                return -ENOMEM;
        r = add_losses_among_workloads(manager->registry, losses);
        if (r >= 0)
                r = add_losses_among_strangers(manager->registry, losses);
        if (r >= 0)
                r = handover_add_losses(manager, losses);
        if (r >= 0)
                r = host_add_losses(manager, losses);
        if (r >= 0)
                *ret = json_object_array_length(losses) > 0 ? TAKE_PTR(losses) : NULL;
        return r;
}

static int check_losses(Manager *manager, Obstacle *obstacle) {
        int r = requirements_losses(manager, &obstacle->losses);

        if (r < 0 || !obstacle->losses)
                return r;
        return obstacle_set(obstacle, "WouldBeLost",
                        "Shut them down, migrate them away or start them through liveupdate-run; or commit with "
                        "--allow-loss.",
                        "These would not survive: %s.",
                        json_object_to_json_string_ext(obstacle->losses, JSON_C_TO_STRING_PLAIN));
}

static int check_kernel(Obstacle *obstacle) {
        LuoSupport support = luo_support();
        _cleanup_free_ char *evidence = NULL;

        if (support == LUO_SUPPORTED)
                return 0;
        evidence = luo_support_evidence(support);
        return obstacle_set(obstacle, "NotSupported", luo_support_remedy(support), "%s%s%s%s",
                        luo_support_message(support), evidence ? " (" : "", evidence ?: "", evidence ? ")" : "");
}

/* Not even by force: what would start is not what was staged. */
static int check_is_loaded(const Manager *manager, Obstacle *obstacle) {
        static const char remedy[] = "Stage it anew: liveupdatectl stage KERNEL.";

        if (!manager->staged)
                return obstacle_set(obstacle, "NothingStaged", "Stage one: liveupdatectl stage KERNEL.",
                                "There is no kernel to change to.");
        switch (kexec_loaded_since("", &manager->staged->load)) {
        case KEXEC_LOADED_NOTHING:
                return obstacle_set(obstacle, "NothingStaged", remedy,
                                "The staged kernel is loaded no more, somebody else unloaded it.");
        case KEXEC_LOADED_OTHER:
                return obstacle_set(obstacle, "NothingStaged", remedy,
                                "Somebody else has called kexec since the kernel was staged: another one may be "
                                "loaded.");
        default:
                return 0;
        }
}

static int check_findings(const Manager *manager, Obstacle *obstacle) {
        json_object *findings = json_object_new_array();
        int r;

        obstacle->findings = findings;
        r = findings ? check_staged(manager, manager->staged, findings) : -ENOMEM;
        if (r < 0 || findings_passed(findings))
                return r;
        findings_drop(findings, "ok");
        return obstacle_set(obstacle, "CheckFailed",
                        "Stage a kernel that passes; or commit with --force, and see what becomes of the guests.",
                        "The staged kernel would not do: %s", findings_first(findings, "fail"));
}

int requirements_check(Manager *manager, bool allow_loss, bool is_forced, Obstacle *ret) {
        int r;

        *ret = (Obstacle) {};
        if (manager->update)
                return obstacle_set(ret, "UpdateInProgress",
                                "Wait until it is over; liveupdatectl monitor tells.",
                                "An update is under way already.");
        r = check_kernel(ret);
        if (r >= 0 && !ret->error)
                r = check_is_loaded(manager, ret);
        if (r >= 0 && !ret->error && !is_forced)
                r = check_findings(manager, ret);
        if (r >= 0 && !ret->error && !allow_loss)
                r = check_losses(manager, ret);
        return r;
}
