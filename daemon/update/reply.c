/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>

#include "basic/json.h"
#include "update/reply.h"

static int add_shared(json_object *o, const char *key, json_object *value) {
        return value ? json_add(o, key, json_object_get(value)) : 0;
}

int reply_error(VarlinkCall *call, const ErrorReply *error) {
        _cleanup_json_ json_object *o = json_object_new_object();
        char name[64];

        snprintf(name, sizeof(name), "io.liveupdate.%s", error->error);
        if (!o || json_add_string(o, "reason", error->reason) < 0 ||
                        json_add_string(o, "message", error->message) < 0 ||
                        json_add_string(o, "remedy", error->remedy ?: "") < 0 ||
                        add_shared(o, "losses", error->losses) < 0 || add_shared(o, "findings", error->findings) < 0)
                return -ENOMEM;
        return varlink_call_error(call, name, TAKE_PTR(o));
}

int reply_in_progress(VarlinkCall *call) {
        return reply_error(call, &(ErrorReply) {
                        .error = "UpdateInProgress",
                        .message = "An update is under way.",
                        .remedy = "Wait until it is over; liveupdatectl monitor tells.",
        });
}

int reply_staging(VarlinkCall *call) {
        return reply_error(call, &(ErrorReply) {
                        .error = "UpdateInProgress",
                        .message = "A kernel is being staged at this moment.",
                        .remedy = "Try again when that is done, which takes seconds.",
        });
}
