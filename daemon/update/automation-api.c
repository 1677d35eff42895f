/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the hooks' units say on the control socket. */

#include <errno.h>

#include "basic/json.h"
#include "update/manager.h"
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
