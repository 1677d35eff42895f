/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is to survive. The registry knows every workload by name; QEMU is the one kind so far. What is done to one
 * never waits for another: the steps are asynchronous and end in a callback from the event loop. */

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "basic/cleanup.h"
#include "store/store.h"

#define WORKLOAD_NAME_MAX 40 /* so that a session's name fits LUO_SESSION_NAME_MAX */
#define WORKLOADS_MAX 1024U

typedef enum WorkloadState {
        WORKLOAD_RUNNING,
        WORKLOAD_PAUSED,    /* by us, in a commit */
        WORKLOAD_SAVED,
        WORKLOAD_PRESERVED, /* came over from the previous kernel, not claimed yet */
        WORKLOAD_RESTORING, /* claimed: its process is coming up */
        WORKLOAD_LOADED,    /* its state is in, the guest stands still */
        WORKLOAD_FAILED,    /* could not be restored; its session is kept, it can be claimed again */
        _WORKLOAD_STATE_MAX,
} WorkloadState;

const char *workload_state_to_string(WorkloadState state);

typedef struct Registry Registry;
typedef struct Workload Workload;

/* `error` is 0, or a negative errno with a sentence in `why` that names the workload. */
typedef void (*WorkloadDoneFunc)(Workload *w, int error, const char *why, void *userdata);

/* What the owner of the registry is told. */
typedef struct RegistryListener {
        void (*ready)(Workload *w, void *userdata);     /* the process of a preserved one answers. By its state: it can
                                                         * be loaded (WORKLOAD_RESTORING), or a predecessor of this
                                                         * daemon brought it further (WORKLOAD_LOADED, _RUNNING) */
        void (*gone)(Workload *w, void *userdata);      /* its process ended; the workload is freed right after, unless
                                                         * it is preserved and can be claimed again */
        void *userdata;
} RegistryListener;

/* Freeing it drops nothing from the store: the next daemon goes on with it. */
int registry_new(sd_event *event, const RegistryListener *listener, Registry **ret);
Registry *registry_free(Registry *registry);
DEFINE_CLEANUP(Registry *, registry_free)

size_t registry_size(Registry *registry);
Workload *registry_get(Registry *registry, const char *name);
Workload *registry_next(Registry *registry, Workload *w); /* NULL: the first; in order of registration */

bool workload_name_is_valid(const char *name); /* [A-Za-z0-9_.-]{1,40}, beginning with a letter or digit */

/* A running one, or the process that claims a preserved one. All fds are taken, on failure too. -EEXIST: the name is
 * taken by one that runs; -EPERM: the preserved one belongs to another user; -E2BIG: WORKLOADS_MAX. -ENODATA:
 * what was preserved did not come over whole. In a claim `ram_fd` is dropped in favour of the preserved one, and
 * -ENOSPC says that `ram_bytes` differs from it. */
typedef struct WorkloadRegistration {
        const char *name, *kind;
        uid_t uid;
        pid_t pid;
        int pid_fd, ram_fd, qmp_fd;
        uint64_t ram_bytes;
} WorkloadRegistration;

int registry_register(Registry *registry, WorkloadRegistration *registration, Workload **ret);
void workload_registration_done(WorkloadRegistration *registration); /* closes what was not taken */

/* One that came over in `session_fd` (taken), whose fds are taken out here. With an error it is in the registry all the
 * same, as WORKLOAD_FAILED with a problem, and its session open, so that nothing more is lost. */
int registry_add_preserved(Registry *registry, const char *name, int session_fd, Workload **ret);

/* At start, before anything is registered: every workload that a predecessor of this process knew under this kernel,
 * from the fds it stored (store.h), which stay there. Does not wait: how it is with a process, QEMU tells in the event
 * loop. Until then one that runs has a problem, so that it is not updated, and a preserved one is WORKLOAD_RESTORING
 * and ready() afterwards, unless it is silent (WORKLOAD_FAILED). Those of an update that ended with the predecessor
 * run again, as after workload_cancel(). What came over from the previous kernel and is not finished is preserved as
 * before. A damaged one is logged and, if it was preserved, kept as WORKLOAD_FAILED. */
int registry_inherit(Registry *registry, Inheritance *inheritance);

/* "liveupdated/NAME". Caller frees. */
char *workload_session_name(const char *name);

const char *workload_name(const Workload *w);
const char *workload_kind(const Workload *w);
WorkloadState workload_state(const Workload *w);
const char *workload_problem(const Workload *w); /* why it cannot survive, or what went wrong; NULL: nothing */
uint64_t workload_blackout_usec(const Workload *w, uint64_t tsc_hz);
pid_t workload_pid(const Workload *w);
int workload_ram_fd(const Workload *w); /* borrowed */
json_object *workload_to_json(const Workload *w); /* for the API */
/* The NUMA policy that the process of a preserved one is to give itself, as Register answers it. NULL: none. */
json_object *workload_memory_policy(const Workload *w);

/* The steps of the old side, in this order. Undo is workload_cancel(). */
int workload_create_session(Workload *w, int device_fd);
/* One more fd in its session, of a device that is its own: 0, or the kernel's word (luo_session_preserve()). The next
 * kernel has it until the session is finished; nobody takes it out yet. */
int workload_preserve_device(Workload *w, int fd);
void workload_prepare(Workload *w, WorkloadDoneFunc done, void *userdata); /* preserves the RAM, among others */
void workload_pause(Workload *w, WorkloadDoneFunc done, void *userdata);
void workload_save(Workload *w, WorkloadDoneFunc done, void *userdata);
void workload_cancel(Workload *w, WorkloadDoneFunc done, void *userdata); /* runs again, nothing preserved */

/* Beside them: pauses one that is not carried over, and is not busy. Undone by workload_cancel(), too, also by that of a
 * successor of this process. */
void workload_halt(Workload *w, WorkloadDoneFunc done, void *userdata);
bool workload_is_halted(const Workload *w); /* or is about to be */
bool workload_is_busy(const Workload *w);   /* one of these steps, or its registration, is under way */

/* The steps of the new side, once it is ready. One that a predecessor of this daemon did ends well at once, from the
 * event loop like the others. */
void workload_load(Workload *w, WorkloadDoneFunc done, void *userdata);
void workload_resume(Workload *w, WorkloadDoneFunc done, void *userdata);
int workload_finish(Workload *w); /* the session; it must run */
void workload_give_up(Workload *w, const char *why); /* ends its process; what is preserved stays */
bool workload_is_preserved(const Workload *w); /* there is a session of the previous kernel to be finished */

/* stranger.c: virtual machines nobody registered, which a commit would kill. */
typedef struct Stranger {
        pid_t pid;
        char comm[16];
} Stranger;

/* Every process with a KVM VM open, or running qemu-system-*, that is not a registered workload's. Caller frees. */
int strangers_find(Registry *registry, Stranger **ret, size_t *ret_n);
