/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "workload/qmp.h"
#include "workload/workload.h"

/* What of a workload has which token in its session. The description comes first, so that a session can be understood
 * by itself. */
enum {
        TOKEN_DESCRIPTION = 0,
        TOKEN_RAM = 1,
        TOKEN_STATE = 2,
};

/* The one operation that runs on a workload: QMP commands in a pipeline, done when all are answered. */
typedef struct Operation {
        WorkloadDoneFunc done;
        void *userdata;
        unsigned pending;
        bool awaits_migration; /* counts in `pending` */
        int error;
        char *why;
        sd_event_source *deferred;
} Operation;

typedef struct Preserve Preserve;

struct Workload {
        Registry *registry;
        Workload *previous, *next;
        char *name, *kind, *problem;
        WorkloadState state;
        uid_t uid;
        pid_t pid;
        int pid_fd, ram_fd, state_fd, session_fd;
        uint64_t ram_bytes;
        uint64_t paused_tsc, running_tsc;
        bool was_running; /* before we paused it: a guest its owner had stopped stays stopped */
        bool is_preserved; /* its fds come from a session of the previous kernel, not finished yet */
        sd_event_source *pid_source;
        Qmp *qmp;
        Preserve *preserve; /* while it runs */
        Operation operation;
        unsigned n_continued; /* how often a cancelled one was told to go on */
        WorkloadDoneFunc cancel_done; /* a cancel that waits for the operation to end */
        void *cancel_userdata;
};

struct Registry {
        sd_event *event;
        RegistryListener listener;
        Workload *first, *last;
        size_t size;
};

/* session.c */
int workload_take_preserved(Workload *w); /* from w->session_fd */
int workload_preserve_state(Workload *w);
void workload_drop_session(Workload *w);

/* preserve.c */

/* Preserves `ram_fd` in `session_fd` on a thread of its own, since the kernel fills every hole and pins every folio
 * before it answers (mm/memfd_luo.c:memfd_luo_preserve_folios()). Both fds are duplicated. */
typedef void (*PreserveFunc)(int error, void *userdata);
int preserve_start(sd_event *event, int session_fd, int ram_fd, uint64_t ram_bytes, PreserveFunc func, void *userdata,
                Preserve **ret);
/* Does not wait; what the thread still does ends with its session. */
Preserve *preserve_free(Preserve *preserve);

/* operation.c */
#define COMMAND_USEC (10ULL * 1000 * 1000) /* none of ours takes longer on a machine that works */
void operation_begin(Workload *w, WorkloadDoneFunc done, void *userdata);
/* Adds a command, consuming `arguments`; false if it could not be sent, which fails the operation. */
bool operation_command(Workload *w, const char *command, json_object *arguments, int fd, QmpReplyFunc func);
void operation_on_reply(Qmp *qmp, int error, const char *message, json_object *value, void *userdata);
void operation_fail(Workload *w, int error, const char *what, const char *message); /* what fails first counts */
/* Ends the building of the pipeline. Where nothing is left to wait for, the end still comes from the event loop. */
void operation_commit(Workload *w);
bool operation_put(Workload *w); /* one thing less to wait for; true: none is left, operation_finish() is due */
void operation_finish(Workload *w);

/* qemu.c */
int qemu_attach(Workload *w, int qmp_fd);
void qemu_detach(Workload *w, int error); /* the operation that runs ends with `error` */

void workload_set_problem(Workload *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
