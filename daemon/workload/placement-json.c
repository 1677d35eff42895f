/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* As in a workload's description. Threads that run alike are told once, and what is as the kernel starts a thread is
 * left out:
 *
 *   {"oomScoreAdjust": 0, "memoryPolicy": {…}, "threads": [
 *           {"process": true, "vcpus": "0-3,8", "iothreads": ["io0"],
 *            "processors": "0-3", "policy": "SCHED_FIFO", "priority": 1, "nice": 0, "ioPriority": 0}]} */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/json.h"
#include "workload/placement-internal.h"

/* include/uapi/linux/sched/types.h, sched/prio.h, ioprio.h, oom.h */
#define PRIORITY_MAX 99
#define NICE_MIN (-20)
#define NICE_MAX 19
#define IO_PRIORITY_MAX UINT16_MAX
#define OOM_SCORE_ADJUST_MAX 1000

static int add_threads(const Placement *placement, uint16_t group, json_object *o) {
        json_object *iothreads = NULL;
        _cleanup_free_ char *vcpus = NULL;
        IndexSet set = {};
        int r = 0;

        for (size_t i = 0; i < placement->n_vcpus; i++)
                if (placement->vcpus[i] == group)
                        index_set_add(&set, i);
        vcpus = index_set_to_string(&set);
        if (!vcpus || json_add_string(o, "vcpus", *vcpus ? vcpus : NULL) < 0)
                return -ENOMEM;
        if (placement->process == group)
                r = json_add_bool(o, "process", true);
        for (size_t i = 0; i < placement->n_iothreads && r >= 0; i++) {
                if (placement->iothreads[i].group != group)
                        continue;
                if (!iothreads) {
                        iothreads = json_object_new_array();
                        r = json_add(o, "iothreads", iothreads);
                }
                if (r >= 0)
                        r = json_append_text(iothreads, "%s", placement->iothreads[i].id);
        }
        return r;
}

static int add_int(json_object *o, const char *key, int value) {
        return value == 0 ? 0 : json_add(o, key, json_object_new_int(value));
}

static int add_how(const ThreadPlacement *how, json_object *o) {
        _cleanup_free_ char *processors = how->is_on_all ? NULL : index_set_to_string(&how->processors);

        if (!how->is_on_all && !processors)
                return -ENOMEM;
        if (json_add_string(o, "processors", processors) < 0 ||
                        (how->policy != 0 && json_add_string(o, "policy", sched_policy_to_string(how->policy)) < 0) ||
                        add_int(o, "priority", how->priority) < 0 || add_int(o, "nice", how->nice) < 0 ||
                        add_int(o, "ioPriority", how->io_priority) < 0)
                return -ENOMEM;
        return 0;
}

static int add_group(const Placement *placement, uint16_t group, json_object *list) {
        json_object *o = json_object_new_object();

        if (!o || json_object_array_add(list, o) < 0) {
                json_object_put(o);
                return -ENOMEM;
        }
        return add_threads(placement, group, o) < 0 || add_how(&placement->groups[group], o) < 0 ? -ENOMEM : 0;
}

static int add_memory_policy(const Placement *placement, json_object *o) {
        json_object *policy;
        int r;

        if (placement->memory_policy.mode == 0)
                return 0;
        r = memory_policy_to_json(&placement->memory_policy, &policy);
        return r < 0 ? r : json_add(o, "memoryPolicy", policy);
}

int placement_to_json(const Placement *placement, json_object **ret) {
        _cleanup_json_ json_object *o = json_object_new_object();
        json_object *list = json_object_new_array();
        int r = json_add(o, "threads", list);

        for (size_t i = 0; i < placement->n_groups && r >= 0; i++)
                r = add_group(placement, (uint16_t) i, list);
        if (r >= 0)
                r = add_int(o, "oomScoreAdjust", placement->oom_score_adjust);
        if (r >= 0)
                r = add_memory_policy(placement, o);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(o);
        return 0;
}

/* What is not there is 0. */
static int get_int(json_object *o, const char *key, int min, int max, int *ret) {
        json_object *value;
        int64_t n;

        if (!json_object_object_get_ex(o, key, &value))
                return 0;
        if (!json_object_is_type(value, json_type_int))
                return -EBADMSG;
        n = json_object_get_int64(value);
        if (n < min || n > max)
                return -EBADMSG;
        *ret = (int) n;
        return 0;
}

static int get_set(json_object *o, const char *key, IndexSet *ret) {
        const char *text = NULL;
        int r = json_get_string(o, key, &text);

        return r < 0 ? r : index_set_parse(text, strlen(text), ret);
}

static int get_how(json_object *o, ThreadPlacement *ret) {
        ThreadPlacement how = {};
        const char *policy = "SCHED_OTHER";
        int r;

        r = get_set(o, "processors", &how.processors);
        how.is_on_all = r == -ENOENT;
        if ((r < 0 && r != -ENOENT) || (r >= 0 && index_set_is_empty(&how.processors)))
                return -EBADMSG;
        r = json_get_string(o, "policy", &policy);
        if (r < 0 && r != -ENOENT)
                return r;
        how.policy = sched_policy_from_string(policy);
        if (how.policy < 0 || get_int(o, "priority", 0, PRIORITY_MAX, &how.priority) < 0 ||
                        get_int(o, "nice", NICE_MIN, NICE_MAX, &how.nice) < 0 ||
                        get_int(o, "ioPriority", 0, IO_PRIORITY_MAX, &how.io_priority) < 0)
                return -EBADMSG;
        *ret = how;
        return 0;
}

static int get_vcpus(json_object *o, Placement *placement, uint16_t group) {
        IndexSet set = {};
        int r = get_set(o, "vcpus", &set);

        if (r < 0)
                return r == -ENOENT ? 0 : r;
        for (size_t i = 0; i < INDEX_SET_MAX; i++) {
                if (!index_set_has(&set, i))
                        continue;
                if (i >= PLACED_VCPUS_MAX)
                        return -E2BIG;
                (void) placement_assign(placement, &(QemuThread) { .vcpu = (int) i }, group);
        }
        return 0;
}

static int get_iothreads(json_object *o, Placement *placement, uint16_t group) {
        json_object *list;
        int r = json_get_array(o, "iothreads", &list);

        if (r < 0)
                return r == -ENOENT ? 0 : r;
        for (size_t i = 0; i < json_object_array_length(list) && r >= 0; i++) {
                json_object *id = json_object_array_get_idx(list, i);
                QemuThread thread = { .vcpu = -1, .iothread = (char *) json_object_get_string(id) };

                r = json_object_is_type(id, json_type_string) ? placement_assign(placement, &thread, group) : -EBADMSG;
        }
        return r;
}

static int get_group(json_object *o, Placement *placement) {
        ThreadPlacement how;
        bool is_process = false;
        int group, r;

        if (!json_object_is_type(o, json_type_object))
                return -EBADMSG;
        r = get_how(o, &how);
        if (r < 0)
                return r;
        group = placement_group(placement, &how);
        if (group < 0)
                return group;
        r = json_get_bool(o, "process", &is_process);
        if (r < 0 && r != -ENOENT)
                return r;
        if (is_process)
                (void) placement_assign(placement, NULL, (uint16_t) group);
        r = get_vcpus(o, placement, (uint16_t) group);
        return r < 0 ? r : get_iothreads(o, placement, (uint16_t) group);
}

static int get_memory_policy(json_object *o, Placement *placement) {
        json_object *policy;
        int r = json_get_object(o, "memoryPolicy", &policy);

        return r == -ENOENT ? 0 : r < 0 ? r : memory_policy_from_json(policy, &placement->memory_policy);
}

int placement_from_json(json_object *o, Placement **ret) {
        _cleanup_(placement_freep) Placement *placement = NULL;
        json_object *list;
        int r;

        if (json_get_array(o, "threads", &list) < 0)
                return -EBADMSG;
        if (json_object_array_length(list) > PLACED_GROUPS_MAX)
                return -E2BIG;
        r = placement_new(&placement);
        for (size_t i = 0; r >= 0 && i < json_object_array_length(list); i++)
                r = get_group(json_object_array_get_idx(list, i), placement);
        if (r >= 0)
                r = get_int(o, "oomScoreAdjust", -OOM_SCORE_ADJUST_MAX, OOM_SCORE_ADJUST_MAX,
                                &placement->oom_score_adjust);
        if (r >= 0)
                r = get_memory_policy(o, placement);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(placement);
        return 0;
}
