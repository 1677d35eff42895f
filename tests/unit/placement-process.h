/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A process with threads of its own, in the place of QEMU: two vCPUs and an iothread, "io0". */

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"
#include "workload/placement.h"

#define PLACED_THREADS 3

typedef struct PlacedProcess {
        pid_t pid, tids[PLACED_THREADS]; /* vCPU 0, vCPU 1, the iothread */
        int pid_fd;
} PlacedProcess;

typedef struct PlacedThread {
        int fd;
        size_t index;
        pid_t tid;
} PlacedThread;

static void *placed_thread(void *userdata) {
        PlacedThread *thread = userdata;

        thread->tid = (pid_t) syscall(SYS_gettid);
        if (write(thread->fd, thread, sizeof(*thread)) != sizeof(*thread))
                _exit(1);
        for (;;)
                pause();
}

static inline void placed_process_run(int fd) {
        PlacedThread threads[PLACED_THREADS];

        for (size_t i = 0; i < PLACED_THREADS; i++) {
                pthread_t thread;

                threads[i] = (PlacedThread) { .fd = fd, .index = i };
                if (pthread_create(&thread, NULL, placed_thread, &threads[i]) != 0)
                        _exit(1);
        }
        for (;;)
                pause();
}

static inline PlacedProcess placed_process_new(void) {
        PlacedProcess process = {};
        int fds[2];

        ck_assert_int_eq(pipe(fds), 0);
        process.pid = fork();
        ck_assert_int_ge(process.pid, 0);
        if (process.pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                placed_process_run(fds[1]);
        }
        for (size_t i = 0; i < PLACED_THREADS; i++) {
                PlacedThread thread;

                ck_assert_int_eq((int) read(fds[0], &thread, sizeof(thread)), (int) sizeof(thread));
                process.tids[thread.index] = thread.tid;
        }
        process.pid_fd = (int) syscall(SYS_pidfd_open, process.pid, 0);
        ck_assert_int_ge(process.pid_fd, 0);
        fd_close(fds[0]);
        fd_close(fds[1]);
        return process;
}

static inline void placed_process_end(PlacedProcess *process) {
        if (process->pid > 0) {
                (void) kill(process->pid, SIGKILL);
                (void) waitpid(process->pid, NULL, 0);
        }
        process->pid = 0;
}

static inline void placed_process_done(PlacedProcess *process) {
        placed_process_end(process);
        process->pid_fd = fd_close(process->pid_fd);
}
#define PLACED_PROCESS(p) _cleanup_(placed_process_done) PlacedProcess p = placed_process_new()

static inline void pin(pid_t tid, int processor) {
        cpu_set_t set;

        CPU_ZERO(&set);
        CPU_SET(processor, &set);
        ck_assert_int_eq(sched_setaffinity(tid, sizeof(set), &set), 0);
}

static inline void schedule(pid_t tid, int policy, int priority) {
        ck_assert_int_eq(sched_setscheduler(tid, policy, &(struct sched_param) { .sched_priority = priority }), 0);
}

static inline void set_io_priority(pid_t tid, int priority) {
        ck_assert_int_eq((int) syscall(SYS_ioprio_set, 1, tid, priority), 0);
}

static inline void set_oom_score_adjust(pid_t pid, int value) {
        char path[64];
        FILE *f;

        snprintf(path, sizeof(path), "/proc/%i/oom_score_adj", (int) pid);
        f = fopen(path, "we");
        ck_assert_ptr_nonnull(f);
        fprintf(f, "%i", value);
        ck_assert_int_eq(fclose(f), 0);
}
