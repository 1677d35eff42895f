/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "basic/io.h"
#include "basic/json.h"
#include "privileged/placement.h"
#include "privileged/processors.h"
#include "privileged/why.h"

#define THREADS_MAX 4096U
#define FDINFO_BYTES_MAX 4096

/* The process, held by its directory in /proc: what has its number later is not below it. */
typedef struct Placing {
        int process_fd;
        pid_t pid;
        json_object *problems;
} Placing;

/* struct sched_attr as of Linux 3.14 (include/uapi/linux/sched/types.h), which old libraries do not have, and new ones
 * have elsewhere. */
typedef struct Scheduling {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
} Scheduling;

static const struct {
        const char *name;
        uint32_t value;
} policies[] = {
        { "SCHED_OTHER", SCHED_OTHER },
        { "SCHED_BATCH", SCHED_BATCH },
        { "SCHED_IDLE", SCHED_IDLE },
        { "SCHED_FIFO", SCHED_FIFO },
        { "SCHED_RR", SCHED_RR },
};

/* 0, -ENOENT where it is not there, -EBADMSG where it is no number from `min` to `max`. */
static int get_number(json_object *o, const char *key, int min, int max, int *ret) {
        json_object *value;

        if (!json_object_object_get_ex(o, key, &value) || !value)
                return -ENOENT;
        if (!json_object_is_type(value, json_type_int) || json_object_get_int64(value) < min ||
                        json_object_get_int64(value) > max)
                return -EBADMSG;
        *ret = json_object_get_int(value);
        return 0;
}

static int malformed(const Placing *placing, pid_t thread, const char *what) {
        return problem_add(placing->problems, "The %s that thread %i is to have is malformed.", what, thread);
}

static int failed(const Placing *placing, pid_t thread, const char *what) {
        if (errno == ESRCH)
                return problem_add(placing->problems, "Thread %i ended before it had its %s.", thread, what);
        return problem_add(placing->problems, "Thread %i does not get its %s: %m", thread, what);
}

static int tell_processors(const Placing *placing, pid_t thread, const Processors *wanted) {
        Processors is, missing;
        char text[256];

        if (sched_getaffinity(thread, sizeof(is.set), (cpu_set_t *) &is.set) < 0)
                return failed(placing, thread, "processors");
        if (!processors_minus(wanted, &is, &missing))
                return 0;
        processors_write(&missing, text, sizeof(text));
        return problem_add(placing->problems, "Thread %i cannot have the processors %s: they are not there, or not for "
                        "its unit (AllowedCPUs=).", thread, text);
}

static int place_processors(const Placing *placing, pid_t thread, json_object *placed) {
        Processors wanted;
        const char *text;
        int r;

        r = json_get_string(placed, "processors", &text);
        if (r == -ENOENT)
                return 0;
        if (r < 0 || processors_parse(text, &wanted) < 0)
                return malformed(placing, thread, "list of processors");
        if (sched_setaffinity(thread, sizeof(wanted.set), (cpu_set_t *) &wanted.set) >= 0)
                return tell_processors(placing, thread, &wanted);
        if (errno == EINVAL)
                return problem_add(placing->problems, "Thread %i runs on any processor: none of %s is there.", thread,
                                text);
        return failed(placing, thread, "processors");
}

/* What is asked for, over what it has. 1: something is. */
static int scheduling_parse(json_object *placed, Scheduling *scheduling) {
        const char *policy = NULL;
        int nice, priority, r_policy, r_nice, r_priority;

        r_policy = json_get_string(placed, "policy", &policy);
        r_nice = get_number(placed, "nice", -20, 19, &nice);
        r_priority = get_number(placed, "priority", 0, 99, &priority);
        if ((r_policy < 0 && r_policy != -ENOENT) || r_nice == -EBADMSG || r_priority == -EBADMSG)
                return -EBADMSG;
        if (r_nice >= 0)
                scheduling->nice = nice;
        if (r_priority >= 0)
                scheduling->priority = (uint32_t) priority;
        if (r_policy < 0)
                return r_nice >= 0 || r_priority >= 0;
        for (size_t i = 0; i < ELEMENTSOF(policies); i++)
                if (strcmp(policies[i].name, policy) == 0) {
                        scheduling->policy = policies[i].value;
                        return 1;
                }
        return -EBADMSG;
}

static int place_scheduling(const Placing *placing, pid_t thread, json_object *placed) {
        Scheduling scheduling = { .size = sizeof(scheduling) };
        int nice, r;

        if (syscall(SYS_sched_getattr, thread, &scheduling, sizeof(scheduling), 0) < 0)
                return failed(placing, thread, "scheduling");
        r = scheduling_parse(placed, &scheduling);
        if (r < 0)
                return malformed(placing, thread, "scheduling");
        if (r > 0 && syscall(SYS_sched_setattr, thread, &scheduling, 0) < 0)
                return failed(placing, thread, "scheduling");
        /* kernel/sched/syscalls.c:__setscheduler_params() takes no nice value for the real-time classes. */
        if (get_number(placed, "nice", -20, 19, &nice) >= 0 && setpriority(PRIO_PROCESS, (id_t) thread, nice) < 0)
                return failed(placing, thread, "nice value");
        return 0;
}

static int place_io(const Placing *placing, pid_t thread, json_object *placed) {
        int priority, r;

        r = get_number(placed, "ioPriority", 0, UINT16_MAX, &priority);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return malformed(placing, thread, "I/O priority");
        if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, thread, priority) < 0)
                return failed(placing, thread, "I/O priority");
        return 0;
}

static int place_thread(const Placing *placing, json_object *placed) {
        static int (*const parts[])(const Placing *, pid_t, json_object *) = {
                place_processors,
                place_scheduling,
                place_io,
        };
        char path[sizeof("task/") + 3 * sizeof(int)];
        int thread, r;

        if (!json_object_is_type(placed, json_type_object) || get_number(placed, "thread", 1, INT32_MAX, &thread) < 0)
                return problem_add(placing->problems, "One of the threads is malformed.");
        (void) snprintf(path, sizeof(path), "task/%i", thread);
        if (faccessat(placing->process_fd, path, F_OK, 0) < 0)
                return problem_add(placing->problems, "There is no thread %i in process %i.", thread, placing->pid);
        for (size_t i = 0; i < ELEMENTSOF(parts); i++) {
                r = parts[i](placing, thread, placed);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int place_oom_score(const Placing *placing, int value) {
        _cleanup_fd_ int fd = openat(placing->process_fd, "oom_score_adj", O_WRONLY | O_CLOEXEC);

        if (fd < 0 || dprintf(fd, "%i", value) < 0)
                return problem_add(placing->problems, "Process %i does not get its OOM score adjustment of %i: %m",
                                placing->pid, value);
        return 0;
}

/* The number in it, which is 0 or negative for what has ended or is in no namespace of ours. */
static int pid_of(int pid_fd, pid_t *ret) {
        _cleanup_free_ char *text = NULL;
        char path[sizeof("/proc/self/fdinfo/") + 3 * sizeof(int)];
        const char *line;
        size_t size;
        int r;

        (void) snprintf(path, sizeof(path), "/proc/self/fdinfo/%i", pid_fd);
        r = read_file_at(AT_FDCWD, path, FDINFO_BYTES_MAX, &text, &size);
        if (r < 0)
                return r;
        line = strstr(text, "\nPid:");
        if (!line)
                return -EBADF;
        *ret = (pid_t) strtol(line + strlen("\nPid:"), NULL, 10);
        return *ret > 0 ? 0 : -ESRCH;
}

static int placing_open(Placing *placing, int pid_fd) {
        char path[sizeof("/proc/") + 3 * sizeof(int)];
        int r;

        r = pid_of(pid_fd, &placing->pid);
        if (r < 0)
                return r;
        (void) snprintf(path, sizeof(path), "/proc/%i", placing->pid);
        placing->process_fd = open(path, O_DIRECTORY | O_CLOEXEC);
        if (placing->process_fd < 0)
                return errno == ENOENT ? -ESRCH : -errno;
        /* While it lives its number is not another's: so this was not, either. */
        r = pidfd_send_signal(pid_fd, 0, NULL, 0);
        return r < 0 && errno != EPERM ? -errno : 0;
}

static int place_all(const Placing *placing, json_object *threads, const int *oom_score_adjust) {
        int r = oom_score_adjust ? place_oom_score(placing, *oom_score_adjust) : 0;

        for (size_t i = 0; r >= 0 && i < json_object_array_length(threads); i++)
                r = place_thread(placing, json_object_array_get_idx(threads, i));
        return r;
}

int placement_apply(int pid_fd, json_object *threads, const int *oom_score_adjust, json_object *problems,
                char **ret_why) {
        Placing placing = { .process_fd = -EBADF, .problems = problems };
        int r;

        if (json_object_array_length(threads) > THREADS_MAX)
                return why_set(ret_why, -EBADMSG, "These are more than %u threads.", THREADS_MAX);
        r = placing_open(&placing, pid_fd);
        if (r == -ESRCH)
                r = why_set(ret_why, r, "The process is not there any more.");
        else if (r < 0)
                r = why_set(ret_why, r, "Cannot look at the process: %s", strerror(-r));
        else
                r = place_all(&placing, threads, oom_score_adjust);
        fd_close(placing.process_fd);
        return r;
}
