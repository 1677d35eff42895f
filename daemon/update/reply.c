/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>

#include "basic/json.h"
#include "update/reply.h"

int reply_error(VarlinkCall *call, const char *error, const char *reason, const char *message, const char *remedy,
                json_object *losses) {
        _cleanup_json_ json_object *o = json_object_new_object();
        char name[64];

        snprintf(name, sizeof(name), "io.liveupdate.%s", error);
        if (!o || json_add_string(o, "reason", reason) < 0 || json_add_string(o, "message", message) < 0 ||
                        json_add_string(o, "remedy", remedy ?: "") < 0 ||
                        (losses && json_add(o, "losses", json_object_get(losses)) < 0))
                return -ENOMEM;
        return varlink_call_error(call, name, TAKE_PTR(o));
}

int reply_in_progress(VarlinkCall *call) {
        return reply_error(call, "UpdateInProgress", NULL, "An update is under way.",
                        "Wait until it is over; liveupdatectl monitor tells.", NULL);
}
