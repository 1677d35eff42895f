/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* liveupdate-privileged: what the daemon may not do itself to the clock, to modules, to other processes. */

#include <errno.h>
#include <string.h>

#include "basic/json.h"
#include "privileged/modules.h"
#include "privileged/placement.h"
#include "privileged/serve.h"
#include "privileged/why.h"
#include "schemas/schemas.h"
#include "timeline/wall-clock.h"

#define INTERFACE "io.liveupdate.Privileged"
#define FAILED INTERFACE ".Failed"
#define OOM_SCORE_ADJ_MAX 1000

static int method_set_clock(VarlinkCall *call, json_object *parameters, void *userdata) {
        _cleanup_json_ json_object *answer = json_object_new_object();
        _cleanup_free_ char *why = NULL;
        json_object *o;
        WallClock clock;
        int64_t step = 0;
        int r;

        if (json_get_object(parameters, "clock", &o) < 0 || wall_clock_from_json(o, &clock) < 0)
                return varlink_call_invalid_parameter(call, "clock");
        r = wall_clock_set(&clock, &step);
        if (r == -ENODATA || r == -ERANGE)
                (void) why_set(&why, r, "The time stamp counter does not tell how long the jump took: the clock "
                                "is as the hardware's clock has it, until NTP sets it.");
        else if (r < 0)
                (void) why_set(&why, r, "Cannot set the clock: %s", strerror(-r));
        if (!answer || json_add(answer, "stepNSec", json_object_new_int64(step)) < 0)
                return -ENOMEM;
        return serve_answer(call, FAILED, r, why, TAKE_PTR(answer));
}

static int method_list_modules(VarlinkCall *call, json_object *parameters, void *userdata) {
        _cleanup_json_ json_object *answer = json_object_new_object();
        _cleanup_free_ char *why = NULL;
        json_object *modules = NULL;
        int r = modules_list(&modules_host, &modules, &why);

        if (!answer || (r >= 0 && json_add(answer, "modules", modules) < 0))
                return -ENOMEM;
        return serve_answer(call, FAILED, r, why, TAKE_PTR(answer));
}

static int method_load_modules(VarlinkCall *call, json_object *parameters, void *userdata) {
        _cleanup_json_ json_object *answer = json_object_new_object(), *problems = json_object_new_array();
        _cleanup_free_ char *why = NULL;
        json_object *modules;
        size_t n_changes = 0;
        int r;

        if (json_get_array(parameters, "modules", &modules) < 0)
                return varlink_call_invalid_parameter(call, "modules");
        if (!answer || !problems)
                return -ENOMEM;
        r = modules_load(&modules_host, modules, &n_changes, problems, &why);
        if (json_add_u64(answer, "changes", n_changes) < 0 || json_add(answer, "problems", TAKE_PTR(problems)) < 0)
                return -ENOMEM;
        return serve_answer(call, FAILED, r, why, TAKE_PTR(answer));
}

/* 1: there is one. */
static int get_oom_score(json_object *parameters, int *ret) {
        json_object *value;

        if (!json_object_object_get_ex(parameters, "oomScoreAdjust", &value) || !value)
                return 0;
        if (!json_object_is_type(value, json_type_int) || json_object_get_int64(value) < -OOM_SCORE_ADJ_MAX ||
                        json_object_get_int64(value) > OOM_SCORE_ADJ_MAX)
                return -EBADMSG;
        *ret = json_object_get_int(value);
        return 1;
}

static int method_place(VarlinkCall *call, json_object *parameters, void *userdata) {
        _cleanup_json_ json_object *answer = json_object_new_object(), *problems = json_object_new_array();
        _cleanup_free_ char *why = NULL;
        _cleanup_fd_ int pid_fd = -EBADF;
        json_object *threads;
        uint64_t index;
        int oom_score, has_oom_score, r;

        if (json_get_array(parameters, "threads", &threads) < 0)
                return varlink_call_invalid_parameter(call, "threads");
        has_oom_score = get_oom_score(parameters, &oom_score);
        if (has_oom_score < 0)
                return varlink_call_invalid_parameter(call, "oomScoreAdjust");
        pid_fd = json_get_u64(parameters, "process", &index) < 0 ? -EBADF : varlink_call_take_fd(call, index);
        if (pid_fd < 0)
                return varlink_call_invalid_parameter(call, "process");
        if (!answer || !problems)
                return -ENOMEM;
        r = placement_apply(pid_fd, threads, has_oom_score ? &oom_score : NULL, problems, &why);
        if (json_add(answer, "problems", TAKE_PTR(problems)) < 0)
                return -ENOMEM;
        return serve_answer(call, FAILED, r, why, TAKE_PTR(answer));
}

static const VarlinkMethod methods[] = {
        { "SetClock", method_set_clock, .is_privileged = true },
        { "ListModules", method_list_modules, .is_privileged = true },
        { "LoadModules", method_load_modules, .is_privileged = true },
        { "Place", method_place, .is_privileged = true },
};

static const VarlinkInterface interface = {
        .name = INTERFACE,
        .description = varlink_description_liveupdate_privileged,
        .methods = methods,
        .n_methods = ELEMENTSOF(methods),
};

int main(void) {
        return serve(&interface);
}
