/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How one thread runs, as the kernel tells. */

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "basic/json.h"
#include "workload/placement-internal.h"

#define IOPRIO_WHO_PROCESS 1 /* include/uapi/linux/ioprio.h; a thread, for all its name */

static_assert(sizeof(long) == sizeof(uint64_t), "the kernel's words are those of a set");

/* include/uapi/linux/sched.h, of which Debian 12 has not all. */
static const struct {
        const char *name;
        bool can_be_set; /* by its name and priority alone */
} policies[] = {
        [0] = { "SCHED_OTHER", true }, [1] = { "SCHED_FIFO", true }, [2] = { "SCHED_RR", true },
        [3] = { "SCHED_BATCH", true }, [5] = { "SCHED_IDLE", true }, [6] = { "SCHED_DEADLINE", false },
        [7] = { "SCHED_EXT", false },
};

const char *sched_policy_to_string(int policy) {
        return policy >= 0 && (size_t) policy < ELEMENTSOF(policies) ? policies[policy].name : NULL;
}

int sched_policy_from_string(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(policies); i++)
                if (policies[i].name && strcmp(policies[i].name, name) == 0)
                        return (int) i;
        return -EBADMSG;
}

static int read_processors(pid_t tid, const IndexSet *online, ThreadPlacement *ret) {
        /* The kernel fills in as much as it has processors for. */
        if (syscall(SYS_sched_getaffinity, tid, sizeof(ret->processors), &ret->processors) < 0)
                return -errno;
        ret->is_on_all = !index_set_is_empty(online) && index_set_includes(&ret->processors, online);
        if (ret->is_on_all)
                ret->processors = (IndexSet) {};
        return 0;
}

int thread_placement_read(pid_t tid, const IndexSet *online, ThreadPlacement *ret) {
        ThreadPlacement placement = {};
        struct sched_param parameters;
        int r = read_processors(tid, online, &placement);

        if (r < 0)
                return r;
        placement.policy = sched_getscheduler(tid);
        if (placement.policy < 0)
                return -errno;
        placement.policy &= ~SCHED_RESET_ON_FORK;
        if (!sched_policy_to_string(placement.policy))
                return -EOPNOTSUPP; /* a kernel that knows more */
        if (sched_getparam(tid, &parameters) < 0)
                return -errno;
        placement.priority = parameters.sched_priority;

        errno = 0;
        placement.nice = getpriority(PRIO_PROCESS, (id_t) tid);
        if (errno > 0)
                return -errno;
        placement.io_priority = (int) syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, tid);
        if (placement.io_priority < 0)
                return -errno;
        *ret = placement;
        return 0;
}

bool thread_placement_equals(const ThreadPlacement *a, const ThreadPlacement *b) {
        return a->is_on_all == b->is_on_all && a->policy == b->policy && a->priority == b->priority &&
                        a->nice == b->nice && a->io_priority == b->io_priority &&
                        memcmp(&a->processors, &b->processors, sizeof(a->processors)) == 0;
}

/* Those it was on and this kernel has count. */
static bool same_processors(const ThreadPlacement *wanted, const ThreadPlacement *present, const IndexSet *online) {
        IndexSet effective = wanted->processors;

        if (wanted->is_on_all)
                return present->is_on_all || index_set_is_empty(online);
        if (!index_set_is_empty(online))
                index_set_intersect(&effective, online);
        return present->is_on_all ? index_set_includes(&effective, online) :
                        memcmp(&effective, &present->processors, sizeof(effective)) == 0;
}

static int add_processors(const ThreadPlacement *wanted, const IndexSet *online, json_object *o) {
        _cleanup_free_ char *text = index_set_to_string(wanted->is_on_all ? online : &wanted->processors);

        return text ? json_add_string(o, "processors", text) : -ENOMEM;
}

static int add_policy(const ThreadPlacement *wanted, json_object *o) {
        int r = json_add_string(o, "policy", policies[wanted->policy].name);

        return r < 0 || json_add(o, "priority", json_object_new_int(wanted->priority)) < 0 ||
                        json_add(o, "nice", json_object_new_int(wanted->nice)) < 0 ? -ENOMEM : 0;
}

int thread_placement_add_difference(const ThreadPlacement *wanted, const ThreadPlacement *present,
                const IndexSet *online, json_object *o) {
        bool other_policy = wanted->policy != present->policy || wanted->priority != present->priority;
        bool can_be_set = policies[wanted->policy].can_be_set;
        int r = 0;

        if (!same_processors(wanted, present, online))
                r = add_processors(wanted, online, o);
        if (r >= 0 && other_policy && can_be_set)
                r = add_policy(wanted, o);
        else if (r >= 0 && wanted->nice != present->nice)
                r = json_add(o, "nice", json_object_new_int(wanted->nice));
        if (r >= 0 && wanted->io_priority != present->io_priority)
                r = json_add(o, "ioPriority", json_object_new_int(wanted->io_priority));
        return r >= 0 && other_policy && !can_be_set ? -EOPNOTSUPP : r;
}
