/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "basic/task.h"
#include "workload/placement.h"
#include "workload/qmp.h"
#include "workload/workload.h"

/* What of a workload has which token in its session. */
enum {
        TOKEN_DESCRIPTION = 0,
        TOKEN_RAM = 1,
        TOKEN_STATE = 2,
        TOKEN_DEVICES = 16, /* and up */
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

typedef struct Placing Placing;

struct Workload {
        Registry *registry;
        Workload *previous, *next;
        char *name, *kind, *problem;
        WorkloadState state;
        uid_t uid;
        pid_t pid;
        int pid_fd, ram_fd, state_fd, description_fd, session_fd;
        unsigned n_devices; /* in its session */
        uint64_t ram_bytes;
        uint64_t paused_tsc, running_tsc;
        bool was_running; /* before we paused it: a guest its owner had stopped stays stopped */
        bool is_preserved; /* its fds come from a session of the previous kernel, not finished yet */
        bool is_being_taken_over; /* from a daemon under this kernel: not to be updated yet */
        bool is_interrupted; /* taken over in the midst of an update, which is being undone */
        sd_event_source *pid_source;
        Qmp *qmp;
        char run_state[24]; /* QEMU's word when it was taken over */
        Task *preserve; /* while it runs */
        QemuThreads threads;
        bool knows_threads;
        Placement *placement; /* of this kernel's last update, or of the previous kernel's */
        Task *place;          /* while it runs, with what it works on, which is its own */
        Placing *placing;
        sd_event_source *place_timer;
        Operation operation;
        unsigned n_continued; /* how often it was told to go on */
        bool is_stuck; /* and has not done so */
        bool is_halted; /* by workload_halt(), and not cancelled yet */
        WorkloadDoneFunc cancel_done; /* a cancel that waits for the operation to end */
        void *cancel_userdata;
};

struct Registry {
        sd_event *event;
        RegistryListener listener;
        Workload *first, *last;
        size_t size;
};

/* registry.c */
int workload_new(const char *name, const char *kind, Workload **ret);
Workload *workload_free(Workload *w); /* out of the registry, too; what is kept of it stays kept */
DEFINE_CLEANUP(Workload *, workload_free)
void registry_link(Registry *registry, Workload *w);
void workload_set_problem(Workload *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
void workload_clear_problem(Workload *w);

/* registration.c */
int workload_watch_process(Workload *w, pid_t pid, int pid_fd); /* `pid_fd` is taken, on failure too */
void workload_unwatch_process(Workload *w);

/* kept.c: the names in the service manager's store. Nothing here waits, and failures are logged. */
typedef enum Kept {
        KEPT_PROCESS,     /* pidfd */
        KEPT_RAM,
        KEPT_QMP,
        KEPT_DESCRIPTION, /* of a running one: an update is under way */
        KEPT_STATE,
        KEPT_SESSION,     /* of the previous kernel; those of this one end with the process, and what they preserve */
        _KEPT_MAX,
} Kept;

#define KEPT_NAME_SIZE (sizeof("description/") + WORKLOAD_NAME_MAX)
const char *kept_prefix(Kept what);
void kept_name(Kept what, const char *workload, char ret[static KEPT_NAME_SIZE]);
void workload_keep(const Workload *w, Kept what, int fd);
void workload_drop_kept(const Workload *w, Kept what);
void workload_drop_all_kept(const Workload *w);

/* session.c */
int workload_take_preserved(Workload *w); /* from w->session_fd, whatever is not there yet */
int workload_preserve_description(Workload *w);
int workload_preserve_state(Workload *w);
void workload_drop_session(Workload *w);
void workload_drop_update(Workload *w); /* from the store: nothing of an update is left to be undone */

/* description.c: what is to be known of a workload, as JSON in a memfd whose size stays, so that it can be rewritten
 * after it is preserved. */
int workload_describe(const Workload *w, int *ret_fd);
int workload_describe_again(const Workload *w, int fd);
int workload_read_description(Workload *w, int fd); /* -EBADMSG: damaged, or another's */

/* preserve.c: preserves `ram_fd` in `session_fd` on a thread of its own, since the kernel fills every hole and pins
 * every folio before it answers (mm/memfd_luo.c:memfd_luo_preserve_folios()), and holds the session's lock as long.
 * Both fds are duplicated. */
int preserve_start(sd_event *event, int session_fd, int ram_fd, uint64_t ram_bytes, TaskDoneFunc done, void *userdata,
                Task **ret);

/* operation.c */
#define COMMAND_USEC (10ULL * 1000 * 1000) /* none of ours takes longer on a machine that works */
#define COME_UP_USEC (60ULL * 1000 * 1000) /* for QEMU to begin to talk */
void operation_begin(Workload *w, WorkloadDoneFunc done, void *userdata);
/* Adds a command, consuming `arguments`; false if it could not be sent, which fails the operation. */
bool operation_command(Workload *w, const char *command, json_object *arguments, int fd, QmpReplyFunc func);
bool operation_query(Workload *w, const char *command, uint64_t timeout_usec, QmpReplyFunc func);
void operation_on_reply(Qmp *qmp, int error, const char *message, json_object *value, void *userdata);
void operation_fail(Workload *w, int error, const char *what, const char *message); /* what fails first counts */
void operation_await_migration(Workload *w);
/* Ends the building of the pipeline. Where nothing is left to wait for, the end still comes from the event loop. */
void operation_commit(Workload *w);
bool operation_put(Workload *w); /* one thing less to wait for; true: none is left, operation_finish() is due */
void operation_finish(Workload *w);

/* qemu.c */
int qemu_attach(Workload *w, int qmp_fd);
int qemu_take_over(Workload *w, int qmp_fd); /* the connection of a predecessor of this daemon */
void qemu_detach(Workload *w, int error); /* the operation that runs ends with `error` */
void workload_check_blockers(Workload *w, json_object *migration);

/* qemu-placement.c: what of its placement cannot be told or put back is logged, and fails nothing. */
void operation_ask_threads(Workload *w);
void operation_place(Workload *w);
void workload_capture_placement(Workload *w); /* anew, but for the NUMA policy */
void workload_capture_memory_policy(Workload *w);
void workload_stop_placing(Workload *w);

/* qemu-takeover.c: asks QEMU how far it is, ends what was interrupted, and tells of the process of a preserved one that
 * it is ready. */
void workload_take_over(Workload *w);

/* qemu-command.c: commands of more than one step */
void operation_set_capabilities(Workload *w);
void operation_take_state_back(Workload *w);
void operation_lend_state(Workload *w, int access_mode);
void operation_transfer(Workload *w, const char *command, QmpReplyFunc func);
void operation_continue(Workload *w); /* again and again, while QEMU ends a migration */
json_object *argument_u64(const char *key, uint64_t value);
