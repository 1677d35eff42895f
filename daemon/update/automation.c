/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "basic/clock.h"
#include "basic/json.h"
#include "basic/version.h"
#include "host/services.h"
#include "update/automation.h"
#include "update/manager.h"
#include "update/story.h"

static void forget_failure(Automation *automation) {
        automation->action = NULL;
        free(TAKE_PTR(automation->release));
        free(TAKE_PTR(automation->message));
        free(TAKE_PTR(automation->remedy));
}

static void forget_offer(Automation *automation) {
        free(TAKE_PTR(automation->offered));
}

void automation_done(Automation *automation) {
        forget_failure(automation);
        forget_offer(automation);
}

static int object(char **ret, const char *why, const char *release) {
        return asprintf(ret, "%s: %s", why, release) < 0 ? -ENOMEM : 0;
}

int automation_object(const Manager *manager, const char *release, char **ret_objection) {
        const char *offered = manager->automation.offered;
        const char *staged = manager->staged ? manager->staged->release : NULL;
        struct utsname names;

        *ret_objection = NULL;
        (void) uname(&names);
        if (!manager->config->auto_stage)
                return object(ret_objection, "it is not to be staged by itself", "AutoStage=no in liveupdated.conf");
        if (version_compare(release, names.release) < 0)
                return object(ret_objection, "the running kernel is newer", names.release);
        if (offered && version_compare(release, offered) < 0)
                return object(ret_objection, "a newer one is being installed", offered);
        if (staged && version_compare(release, staged) < 0)
                return object(ret_objection, "a newer one is staged", staged);
        return 0;
}

int automation_offer(Manager *manager, const char *release, char **ret_objection) {
        char *copy;
        int r;

        r = automation_object(manager, release, ret_objection);
        if (r < 0 || *ret_objection)
                return r;
        copy = strdup(release);
        if (!copy)
                return -ENOMEM;
        forget_offer(&manager->automation);
        manager->automation.offered = copy;
        automation_save(&manager->automation);
        return 0;
}

void automation_failed(Manager *manager, const char *action, const char *release, const char *message,
                const char *remedy) {
        Automation *automation = &manager->automation;

        forget_failure(automation);
        automation->action = action;
        automation->release = release ? strdup(release) : NULL;
        automation->message = strdup(message);
        automation->remedy = strdup(remedy ?: "");
        automation->failed_usec = now_usec(CLOCK_REALTIME);
        if (strcmp(action, "stage") == 0)
                forget_offer(automation);
        automation_save(automation);
}

void automation_commit_refused(Manager *manager, const char *message, const char *remedy) {
        const char *release = manager->staged ? manager->staged->release : NULL;

        story_commit_refused(release, message, remedy);
        automation_failed(manager, "commit", release, message, remedy);
}

void automation_succeeded(Manager *manager) {
        Automation *automation = &manager->automation;

        if (!automation->action && !automation->offered)
                return;
        forget_failure(automation);
        forget_offer(automation);
        automation_save(automation);
}

json_object *automation_problem_to_json(const Automation *automation) {
        _cleanup_json_ json_object *o = json_object_new_object();

        if (!o || json_add_string(o, "action", automation->action) < 0 ||
                        json_add_string(o, "release", automation->release) < 0 ||
                        json_add_u64(o, "usec", automation->failed_usec) < 0 ||
                        json_add_string(o, "message", automation->message ?: "") < 0 ||
                        json_add_string(o, "remedy", automation->remedy ?: "") < 0)
                return NULL;
        return TAKE_PTR(o);
}

json_object *automation_to_json(const Manager *manager) {
        const Automation *automation = &manager->automation;
        _cleanup_json_ json_object *o = json_object_new_object();
        uint64_t window_usec;

        if (!o || json_add_bool(o, "autoStage", manager->config->auto_stage) < 0 ||
                        json_add_string(o, "autoCommit", auto_commit_to_string(manager->config->auto_commit)) < 0 ||
                        (automation->action && json_add(o, "problem", automation_problem_to_json(automation)) < 0))
                return NULL;
        /* It asks another process, which is not for the middle of an update. */
        if (!manager->update && services_next_window(&window_usec) >= 0 &&
                        json_add_u64(o, "nextWindowUSec", window_usec) < 0)
                return NULL;
        return TAKE_PTR(o);
}
