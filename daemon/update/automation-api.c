/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the hooks' units say on the control socket. */

#include <errno.h>

#include "basic/json.h"
#include "update/manager.h"
#include "update/reply.h"
#include "update/stage-api.h"
#include "update/story.h"

int method_offer(VarlinkCall *call, json_object *parameters, void *userdata) {
        _cleanup_json_ json_object *o = json_object_new_object();
        _cleanup_free_ char *objection = NULL;
        Manager *manager = userdata;
        const char *release;
        int r;

        if (json_get_string(parameters, "release", &release) < 0 || !kernel_release_is_valid(release))
                return varlink_call_invalid_parameter(call, "release");
        r = automation_offer(manager, release, &objection);
        if (r < 0)
                return r;
        if (!o || json_add_bool(o, "wanted", !objection) < 0 || json_add_string(o, "reason", objection) < 0)
                return -ENOMEM;
        return varlink_call_reply(call, TAKE_PTR(o), NULL, 0);
}

int method_stage_failed(VarlinkCall *call, json_object *parameters, void *userdata) {
        const char *release, *message, *remedy;

        if (json_get_string(parameters, "release", &release) < 0 || !kernel_release_is_valid(release))
                return varlink_call_invalid_parameter(call, "release");
        if (json_get_string(parameters, "message", &message) < 0)
                return varlink_call_invalid_parameter(call, "message");
        if (json_get_string(parameters, "remedy", &remedy) < 0)
                return varlink_call_invalid_parameter(call, "remedy");
        story_stage_failed(release, message, remedy);
        automation_failed(userdata, "stage", release, message, remedy);
        return varlink_call_reply(call, NULL, NULL, 0);
}

int automation_check_commit(Manager *manager, VarlinkCall *call) {
        int r;

        if (manager->config->auto_commit == AUTO_COMMIT_NO)
                r = reply_error(call, &(ErrorReply) {
                                .error = "NotWanted",
                                .message = "What is staged is not to be committed by itself: AutoCommit=no in "
                                           "liveupdated.conf.",
                                .remedy = "Commit by hand if it is meant: liveupdatectl commit.",
                });
        else if (!manager->staged)
                r = reply_error(call, &(ErrorReply) {
                                .error = "NothingStaged", .message = "There is no kernel to change to." });
        else
                return 0;
        return r < 0 ? r : 1;
}

int method_commit_failed(VarlinkCall *call, json_object *parameters, void *userdata) {
        const char *message, *remedy;
        int r;

        if (json_get_string(parameters, "message", &message) < 0)
                return varlink_call_invalid_parameter(call, "message");
        if (json_get_string(parameters, "remedy", &remedy) < 0)
                return varlink_call_invalid_parameter(call, "remedy");
        r = automation_check_commit(userdata, call);
        if (r != 0)
                return r < 0 ? r : 0;
        automation_commit_refused(userdata, message, remedy);
        return varlink_call_reply(call, NULL, NULL, 0);
}
