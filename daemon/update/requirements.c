/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "basic/json.h"
#include "luo/luo.h"
#include "update/requirements.h"
#include "update/update.h"

void obstacle_done(Obstacle *obstacle) {
        free(obstacle->message);
        json_object_put(obstacle->losses);
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

static int add_loss(Obstacle *obstacle, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int add_loss(Obstacle *obstacle, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        json_object *s;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&text, format, ap);
        va_end(ap);
        if (n < 0) {
                text = NULL;
                return -ENOMEM;
        }
        if (!obstacle->losses)
                obstacle->losses = json_object_new_array();
        s = json_object_new_string(text);
        if (!obstacle->losses || !s || json_object_array_add(obstacle->losses, s) < 0) {
                json_object_put(s);
                return -ENOMEM;
        }
        return 0;
}

static int add_losses_among_workloads(Registry *registry, Obstacle *obstacle) {
        int r = 0;

        for (Workload *w = NULL; r >= 0 && (w = registry_next(registry, w));)
                if (workload_state(w) != WORKLOAD_RUNNING)
                        r = add_loss(obstacle, "%s (%s, from the update before)", workload_name(w),
                                        workload_state_to_string(workload_state(w)));
                else if (workload_problem(w))
                        r = add_loss(obstacle, "%s (%s)", workload_name(w), workload_problem(w));
        return r;
}

static int add_losses_among_strangers(Registry *registry, Obstacle *obstacle) {
        _cleanup_free_ Stranger *strangers = NULL;
        size_t n = 0;
        int r;

        r = strangers_find(registry, &strangers, &n);
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = add_loss(obstacle, "%s (process %i, not started through liveupdate-run)", strangers[i].comm,
                                (int) strangers[i].pid);
        return r;
}

static int check_losses(Manager *manager, Obstacle *obstacle) {
        int r;

        r = add_losses_among_workloads(manager->registry, obstacle);
        if (r < 0)
                return r;
        r = add_losses_among_strangers(manager->registry, obstacle);
        if (r < 0 || !obstacle->losses)
                return r;

        return obstacle_set(obstacle, "WouldBeLost",
                        "Shut them down, migrate them away or start them through liveupdate-run; or commit with "
                        "--allow-loss.",
                        "These would not survive: %s.",
                        json_object_to_json_string_ext(obstacle->losses, JSON_C_TO_STRING_PLAIN));
}

int requirements_check(Manager *manager, bool allow_loss, Obstacle *ret) {
        LuoSupport support;

        *ret = (Obstacle) {};
        if (manager->update)
                return obstacle_set(ret, "UpdateInProgress",
                                "Wait until it is over; liveupdatectl monitor tells.",
                                "An update is under way already.");

        support = luo_support();
        if (support != LUO_SUPPORTED) {
                _cleanup_free_ char *evidence = luo_support_evidence(support);

                return obstacle_set(ret, "NotSupported", luo_support_remedy(support), "%s%s%s%s",
                                luo_support_message(support), evidence ? " (" : "", evidence ?: "",
                                evidence ? ")" : "");
        }

        if (!manager->staged)
                return obstacle_set(ret, "NothingStaged", "Stage one: liveupdatectl stage KERNEL.",
                                "There is no kernel to change to.");
        if (kexec_is_loaded() == 0)
                return obstacle_set(ret, "NothingStaged", "Stage it anew: liveupdatectl stage KERNEL.",
                                "The staged kernel is loaded no more, somebody else unloaded it.");

        if (manager->config->checksum_skip == CHECKSUM_SKIP_REQUIRE &&
                        manager->staged->load.checksum_skip != CHECKSUM_SKIP_PROVEN)
                return obstacle_set(ret, "NotSupported",
                                "Run a kernel that has the checksum skip, or set ChecksumSkip=prefer.",
                                "The jump would compute the checksum over the segments, which ChecksumSkip=require "
                                "forbids: %s", manager->staged->load.evidence);

        return allow_loss ? 0 : check_losses(manager, ret);
}
