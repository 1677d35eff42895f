/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/io.h"
#include "basic/json.h"
#include "workload/placement-internal.h"

#define THREADS_MAX 4096U /* of one process; what is beyond them is left alone, and refused by liveupdate-privileged */

int placement_new(Placement **ret) {
        Placement *placement = calloc(1, sizeof(*placement));

        if (!placement)
                return -ENOMEM;
        placement->process = NO_GROUP;
        for (size_t i = 0; i < PLACED_VCPUS_MAX; i++)
                placement->vcpus[i] = NO_GROUP;
        *ret = placement;
        return 0;
}

Placement *placement_free(Placement *placement) {
        if (!placement)
                return NULL;
        for (size_t i = 0; i < placement->n_iothreads; i++)
                free(placement->iothreads[i].id);
        free(placement->iothreads);
        free(placement->groups);
        free(placement);
        return NULL;
}

static int group_add(Placement *placement, const ThreadPlacement *how) {
        if (placement->n_groups >= PLACED_GROUPS_MAX)
                return -E2BIG;
        if (placement->n_groups == placement->n_allocated) {
                size_t n = placement->n_allocated ? placement->n_allocated * 2 : 4;
                ThreadPlacement *grown = reallocarray(placement->groups, n, sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                placement->groups = grown;
                placement->n_allocated = n;
        }
        placement->groups[placement->n_groups] = *how;
        return (int) placement->n_groups++;
}

int placement_group(Placement *placement, const ThreadPlacement *how) {
        for (size_t i = placement->n_groups; i-- > 0;) /* a neighbour's, most likely */
                if (thread_placement_equals(&placement->groups[i], how))
                        return (int) i;
        return group_add(placement, how);
}

static int iothread_add(Placement *placement, const char *name, uint16_t group) {
        _cleanup_free_ char *id = strdup(name);
        PlacedIoThread *grown;

        if (placement->n_iothreads >= PLACED_IOTHREADS_MAX)
                return -E2BIG;
        grown = reallocarray(placement->iothreads, placement->n_iothreads + 1, sizeof(*grown));
        if (!id || !grown) {
                placement->iothreads = grown ?: placement->iothreads;
                return -ENOMEM;
        }
        placement->iothreads = grown;
        grown[placement->n_iothreads++] = (PlacedIoThread) { .id = TAKE_PTR(id), .group = group };
        return 0;
}

int placement_assign(Placement *placement, const QemuThread *thread, uint16_t group) {
        if (!thread)
                placement->process = group;
        else if (thread->iothread)
                return iothread_add(placement, thread->iothread, group);
        else {
                placement->vcpus[thread->vcpu] = group;
                if (placement->n_vcpus <= (size_t) thread->vcpu)
                        placement->n_vcpus = (size_t) thread->vcpu + 1;
        }
        return 0;
}

static int add(Placement *placement, const QemuThread *thread, const ThreadPlacement *how) {
        int group = placement_group(placement, how);

        return group < 0 ? group : placement_assign(placement, thread, (uint16_t) group);
}

const ThreadPlacement *placement_find(const Placement *placement, const QemuThread *thread) {
        uint16_t group = NO_GROUP;

        if (!thread)
                group = placement->process;
        else if (!thread->iothread)
                group = placement->vcpus[thread->vcpu];
        else
                for (size_t i = 0; i < placement->n_iothreads && group == NO_GROUP; i++)
                        if (strcmp(placement->iothreads[i].id, thread->iothread) == 0)
                                group = placement->iothreads[i].group;
        return group == NO_GROUP ? NULL : &placement->groups[group];
}

/* Its directory in /proc stays the process's, whoever gets its number after it. */
static int process_open(pid_t pid, int pid_fd) {
        struct pollfd pollfd = { .fd = pid_fd, .events = POLLIN };
        char path[sizeof("/proc/") + 11];
        _cleanup_fd_ int fd = -EBADF;

        snprintf(path, sizeof(path), "/proc/%i", (int) pid);
        fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? -ESRCH : -errno;
        if (pid_fd >= 0 && poll(&pollfd, 1, 0) != 0)
                return -ESRCH;
        return TAKE_FD(fd);
}

static int read_oom_score_adjust(int process_fd, int *ret) {
        _cleanup_free_ char *text = NULL;
        int r = read_file_at(process_fd, "oom_score_adj", 64, &text, NULL);

        if (r >= 0)
                *ret = atoi(text);
        return r;
}

/* Others' threads are no concern of ours, whatever QEMU says. */
static bool is_thread_of(int process_fd, pid_t tid) {
        char path[sizeof("task/") + 11];

        snprintf(path, sizeof(path), "task/%i", (int) tid);
        return faccessat(process_fd, path, F_OK, 0) >= 0;
}

int placement_capture(pid_t pid, int pid_fd, const QemuThreads *threads, Placement **ret) {
        _cleanup_(placement_freep) Placement *placement = NULL;
        _cleanup_fd_ int process_fd = process_open(pid, pid_fd);
        ThreadPlacement how;
        IndexSet online = {};
        int r;

        if (process_fd < 0)
                return process_fd;
        (void) index_set_read("/sys/devices/system/cpu/online", &online);
        r = placement_new(&placement);
        if (r >= 0)
                r = read_oom_score_adjust(process_fd, &placement->oom_score_adjust);
        if (r >= 0)
                r = thread_placement_read(pid, &online, &how);
        if (r >= 0)
                r = add(placement, NULL, &how);
        for (size_t i = 0; i < threads->n && r >= 0; i++) {
                if (!is_thread_of(process_fd, threads->threads[i].tid))
                        continue;
                r = thread_placement_read(threads->threads[i].tid, &online, &how);
                r = r == -ESRCH ? 0 : r < 0 ? r : add(placement, &threads->threads[i], &how);
        }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(placement);
        return 0;
}

int placement_capture_memory_policy(Placement *placement, pid_t pid) {
        _cleanup_fd_ int process_fd = process_open(pid, -EBADF);

        return process_fd < 0 ? process_fd : memory_policy_read(process_fd, &placement->memory_policy);
}

static int compare_thread(const ThreadPlacement *wanted, pid_t tid, const IndexSet *online, json_object *threads,
                json_object *problems) {
        _cleanup_json_ json_object *o = json_object_new_object();
        ThreadPlacement present;
        int r;

        r = thread_placement_read(tid, online, &present);
        if (r < 0)
                return r == -ESRCH ? 0 : r;
        if (!o)
                return -ENOMEM;
        r = thread_placement_add_difference(wanted, &present, online, o);
        if (r == -EOPNOTSUPP)
                r = json_append_text(problems, "Thread %i was of the scheduling class %s, which is not carried over.",
                                (int) tid, sched_policy_to_string(wanted->policy));
        if (r < 0 || json_object_object_length(o) == 0)
                return r;
        r = json_add_u64(o, "thread", (uint64_t) tid);
        return r < 0 || json_object_array_add(threads, json_object_get(o)) < 0 ? -ENOMEM : 0;
}

/* The process's first thread is the first that the kernel lists, and those it starts meanwhile are like it. */
static int compare_threads(const Placement *wanted, int process_fd, const QemuThreads *qemu, json_object *threads,
                json_object *problems) {
        _cleanup_closedir_ DIR *directory = NULL;
        IndexSet online = {};
        size_t n = 0;
        int fd, r = 0;

        fd = openat(process_fd, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? -ESRCH : -errno;
        directory = fdopendir(fd);
        if (!directory) {
                fd_close(fd);
                return -ENOMEM;
        }
        (void) index_set_read("/sys/devices/system/cpu/online", &online);
        for (struct dirent *entry; r >= 0 && n < THREADS_MAX && (entry = readdir(directory));) {
                pid_t tid = (pid_t) atoi(entry->d_name);
                const ThreadPlacement *how;

                if (tid <= 0)
                        continue;
                n++;
                how = placement_find(wanted, qemu_threads_find(qemu, tid));
                if (how)
                        r = compare_thread(how, tid, &online, threads, problems);
        }
        return r;
}

int placement_compare(const Placement *wanted, pid_t pid, int pid_fd, const QemuThreads *threads,
                json_object *problems, json_object **ret) {
        _cleanup_json_ json_object *o = json_object_new_object();
        _cleanup_fd_ int process_fd = process_open(pid, pid_fd);
        json_object *list = json_object_new_array();
        int present, r = json_add(o, "threads", list);

        if (r < 0)
                return r;
        if (process_fd < 0)
                return process_fd;
        r = compare_threads(wanted, process_fd, threads, list, problems);
        if (r >= 0)
                r = read_oom_score_adjust(process_fd, &present);
        if (r >= 0 && present != wanted->oom_score_adjust)
                r = json_add(o, "oomScoreAdjust", json_object_new_int(wanted->oom_score_adjust));
        if (r < 0)
                return r;
        *ret = json_object_array_length(list) > 0 || json_object_object_length(o) > 1 ? TAKE_PTR(o) : NULL;
        return 0;
}
