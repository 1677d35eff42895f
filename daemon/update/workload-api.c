/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* io.liveupdate.Workload on the control socket. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/json.h"
#include "basic/log.h"
#include "schemas/schemas.h"
#include "update/handover.h"
#include "update/manager.h"
#include "update/update.h"

static int refuse(VarlinkCall *call, const char *message, const char *remedy) {
        _cleanup_json_ json_object *o = json_object_new_object();

        if (!o || json_add_string(o, "message", message) < 0 || json_add_string(o, "remedy", remedy) < 0)
                return -ENOMEM;
        return varlink_call_error(call, "io.liveupdate.Workload.Refused", TAKE_PTR(o));
}

static int refuse_registration(VarlinkCall *call, int error) {
        switch (error) {
        case -EEXIST:
                return refuse(call, "A workload of this name runs already.",
                                "Give each its own name; liveupdatectl workloads lists them.");
        case -EPERM:
                return refuse(call, "What is preserved under this name belongs to another user.",
                                "Start it as the user it ran as before the update.");
        case -ENOSPC:
                return refuse(call, "What is preserved under this name has another size of RAM.",
                                "Start it with the same -m as before the update.");
        case -ENODATA:
                return refuse(call, "What is preserved under this name did not come over whole.",
                                "See liveupdatectl workloads. Its memory stays preserved until the next reboot.");
        case -E2BIG:
                return refuse(call, "There are too many workloads.", "Stop some of them.");
        default:
                return error;
        }
}

static int get_fd(VarlinkCall *call, json_object *parameters, const char *key, int *ret) {
        uint64_t index;

        if (json_get_u64(parameters, key, &index) < 0)
                return -EINVAL;
        *ret = varlink_call_take_fd(call, index);
        return *ret < 0 ? -EINVAL : 0;
}

static int reply_registered(VarlinkCall *call, const Workload *w) {
        _cleanup_json_ json_object *o = json_object_new_object(), *policy = workload_memory_policy(w);
        bool is_preserved = workload_is_preserved(w);
        int ram_fd = workload_ram_fd(w);

        if (!o || json_add_string(o, "state", is_preserved ? "preserved" : "fresh") < 0 ||
                        (is_preserved && json_add_u64(o, "ram", 0) < 0) ||
                        (policy && json_add(o, "memoryPolicy", TAKE_PTR(policy)) < 0))
                return -ENOMEM;
        return varlink_call_reply(call, TAKE_PTR(o), &ram_fd, is_preserved ? 1 : 0);
}

static int method_register(VarlinkCall *call, json_object *parameters, void *userdata) {
        _cleanup_(workload_registration_done) WorkloadRegistration registration = {
                .uid = varlink_call_uid(call), .pid_fd = -EBADF, .ram_fd = -EBADF, .qmp_fd = -EBADF,
        };
        Manager *manager = userdata;
        Workload *w;
        int r;

        if (json_get_string(parameters, "name", &registration.name) < 0 ||
                        !workload_name_is_valid(registration.name))
                return varlink_call_invalid_parameter(call, "name");
        if (json_get_string(parameters, "kind", &registration.kind) < 0 || strcmp(registration.kind, "qemu") != 0)
                return varlink_call_invalid_parameter(call, "kind");
        if (json_get_u64(parameters, "ramBytes", &registration.ram_bytes) < 0 || registration.ram_bytes == 0)
                return varlink_call_invalid_parameter(call, "ramBytes");
        if (get_fd(call, parameters, "ram", &registration.ram_fd) < 0)
                return varlink_call_invalid_parameter(call, "ram");
        if (get_fd(call, parameters, "qmp", &registration.qmp_fd) < 0)
                return varlink_call_invalid_parameter(call, "qmp");
        if (manager->update && update_is_on_old_side(manager->update))
                return refuse(call, "The kernel is about to be changed.", "Start it again when that is over.");

        r = varlink_call_pidfd(call, &registration.pid, &registration.pid_fd);
        if (r < 0)
                return r;
        handover_claim(manager, registration.name);
        r = registry_register(manager->registry, &registration, &w);
        if (r < 0)
                return refuse_registration(call, r);

        log_info("Workload %s, process %i: %s.", workload_name(w), (int) workload_pid(w),
                        workload_is_preserved(w) ? "comes back" : "registered");
        return reply_registered(call, w);
}

static const VarlinkMethod methods[] = {
        { "Register", method_register },
};

const VarlinkInterface workload_interface = {
        .name = "io.liveupdate.Workload",
        .description = varlink_description_liveupdate_workload,
        .methods = methods,
        .n_methods = ELEMENTSOF(methods),
};
