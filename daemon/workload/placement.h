/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where and how a workload's process runs, as it was set at run time: on which processors its threads are, how they are
 * scheduled, who has to wait for the disk, whom the OOM killer takes, from which NUMA nodes its memory comes. Threads
 * have other numbers after the jump; so they are known by what they are to QEMU: the one of a vCPU, that of an
 * iothread, and all others, which are as the process's first. What its unit gives it anyway is no difference, and
 * nothing is done about it. */

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "basic/cleanup.h"
#include "basic/index-set.h"
#include "workload/memory-policy.h"

#define PLACED_VCPUS_MAX 4096U
#define PLACED_IOTHREADS_MAX 1024U
#define PLACED_GROUPS_MAX 2048U

/* What QEMU says of its threads; any number of them may be lies. */
typedef struct QemuThread {
        pid_t tid;
        int vcpu;       /* negative: an iothread */
        char *iothread; /* own */
} QemuThread;

typedef struct QemuThreads {
        QemuThread *threads; /* by tid, once qemu_threads_sort() was called */
        size_t n;
} QemuThreads;

void qemu_threads_done(QemuThreads *threads);
/* The answers to query-cpus-fast and query-iothreads: 0, -EBADMSG, -E2BIG, -ENOMEM. */
int qemu_threads_add_vcpus(QemuThreads *threads, json_object *answer);
int qemu_threads_add_iothreads(QemuThreads *threads, json_object *answer);
void qemu_threads_sort(QemuThreads *threads);
const QemuThread *qemu_threads_find(const QemuThreads *threads, pid_t tid); /* NULL: neither of them */

/* How one thread runs. */
typedef struct ThreadPlacement {
        bool is_on_all; /* processors that are online; then the set is empty, since another kernel may have more */
        IndexSet processors;
        int policy; /* SCHED_OTHER, … */
        int priority, nice;
        int io_priority; /* ioprio_set(2) */
} ThreadPlacement;

#define THREAD_PLACEMENT_DEFAULT ((ThreadPlacement) { .is_on_all = true })

/* `online` may be empty: not known, and then all are named. Negative errno. */
int thread_placement_read(pid_t tid, const IndexSet *online, ThreadPlacement *ret);
bool thread_placement_equals(const ThreadPlacement *a, const ThreadPlacement *b);
/* The members by which it differs from `present`, as of Placed (schemas/io.liveupdate.Privileged.varlink), added to
 * `o`. What a kernel with just these processors would make of it counts. -EOPNOTSUPP: of a scheduling class that is
 * not carried over, everything else is added. */
int thread_placement_add_difference(const ThreadPlacement *wanted, const ThreadPlacement *present,
                const IndexSet *online, json_object *o);

typedef struct PlacedIoThread {
        char *id;
        uint16_t group;
} PlacedIoThread;

#define NO_GROUP UINT16_MAX

/* Many threads run alike; each way to run is a group. */
typedef struct Placement {
        ThreadPlacement *groups;
        size_t n_groups, n_allocated;
        uint16_t process; /* NO_GROUP, as below, where it is not known */
        uint16_t vcpus[PLACED_VCPUS_MAX];
        size_t n_vcpus; /* the last one's index, and one */
        PlacedIoThread *iothreads;
        size_t n_iothreads;
        int oom_score_adjust;
        MemoryPolicy memory_policy;
} Placement;

int placement_new(Placement **ret);
Placement *placement_free(Placement *placement);
DEFINE_CLEANUP(Placement *, placement_free)

/* How that one ran, `thread` NULL: the process's first. NULL: not known. */
const ThreadPlacement *placement_find(const Placement *placement, const QemuThread *thread);

/* Of the process `pid_fd` refers to. -ESRCH: it has ended. */
int placement_capture(pid_t pid, int pid_fd, const QemuThreads *threads, Placement **ret);
/* The NUMA policy of a process takes longer to read, and cannot be changed by another one. */
int placement_capture_memory_policy(Placement *placement, pid_t pid);

/* What it would take to make that process run as before, for privileged_place(); *ret is NULL: nothing. Sentences on
 * what is beyond us are added to `problems`. */
int placement_compare(const Placement *wanted, pid_t pid, int pid_fd, const QemuThreads *threads,
                json_object *problems, json_object **ret);

/* As in a description. What is read may be hostile: -EBADMSG, -E2BIG, -ENOMEM. */
int placement_to_json(const Placement *placement, json_object **ret);
int placement_from_json(json_object *o, Placement **ret);
