/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "basic/task.h"
#include "drain/drain.h"
#include "host/filesystems.h"
#include "host/services.h"
#include "timeline/timeline.h"
#include "update/manifest.h"
#include "update/update.h"

typedef struct HostCapture HostCapture;
typedef struct HostPacking HostPacking;

struct Update {
        Manager *manager;
        Manifest manifest; /* what the new side is told: names, clock, when each phase began */
        Phase phase;
        bool is_undoing, is_new_side;
        bool is_inherited; /* begun by a predecessor of this process */
        bool is_automatic;

        /* The step that runs: how many workloads it waits for, and what went wrong first. */
        unsigned pending;
        int error;
        char *why;
        Phase failed_phase;
        sd_event_source *next; /* goes on from the event loop */

        /* Old side. */
        VarlinkCall *call;
        int manifest_fd, manifest_session_fd;
        size_t manifest_tail;
        int seed_fd;
        WallClock clock_began; /* in prepare */
        Task *host_task;       /* has `capture` or `packing` as its data */
        HostCapture *capture;
        HostPacking *packing;
        TaskDoneFunc host_done;
        FrozenFilesystems *frozen;
        Services *services; /* those that were stopped */
        Drain *drain; /* NULL: the devices are not looked at yet */
        Task *sync, *extension; /* of PCRs */
        sd_event_source *deadline;
        const char *deadline_what;
        uint64_t deadline_usec;

        /* New side. */
        int device_fd;
        ClockSample began; /* the first moment of this process that is of use to measure this kernel's clock */
        bool is_impatient; /* who has not come back by now is not waited for */
        sd_event_source *patience, *measure;
        ShutdownLog *shutdown_log;
};

/* A step answers 0 when it is done, 1 when update_step_done() will tell, or a negative errno. An undo answers alike
 * but cannot fail. */
typedef int (*StepFunc)(Update *update);

typedef struct Step {
        StepFunc run, undo;
} Step;

int update_new(Manager *manager, Phase phase, Update **ret);
void update_start(Update *update);

/* Says why the step fails; what is said first counts. Answers `error`. */
int update_explain(Update *update, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Starts `func` on each workload that takes part, in parallel; answers 1 if there is any, else 0. */
typedef void (*WorkloadFunc)(Workload *w, WorkloadDoneFunc done, void *userdata);
int update_for_each_workload(Update *update, WorkloadFunc func);
bool update_takes_part(const Update *update, const Workload *w);

/* Rolls back if the step `what` stands for, and all up to reboot(), has not ended in time. Replaces the one before. */
int update_arm_deadline(Update *update, uint64_t usec, const char *what);

/* Names in the fd store. */
#define STORE_MANIFEST "manifest"
#define STORE_MANIFEST_SESSION "manifest-session"
#define STORE_SERVICES "services"
#define STORE_DEVICES "devices"

/* The host is as the guests need it: they go on. */
void update_host_ready(Manager *manager);

/* The step that waits is over. */
void update_step_done(Update *update);

/* The update is over: its report is kept and told, and it is freed. */
void update_end(Update *update, const char *outcome);

/* old-side.c */
int prepare_run(Update *update);
int prepare_undo(Update *update);
int pause_run(Update *update);
int pause_undo(Update *update);
int save_run(Update *update);
int drain_run(Update *update);
int drain_take_back(Update *update);
int seal_run(Update *update);
int seal_undo(Update *update);
int shutdown_run(Update *update);

/* quiesce.c */
int quiesce_run(Update *update);
int quiesce_undo(Update *update);
/* What of it is left when bystanders go on, and when the devices are back. */
int quiesce_undo_devices(Update *update);
void quiesce_undo_services(Update *update);

/* bystanders.c: workloads that are not carried over, their loss being allowed, but have a device of their own. It is
 * about to be made quiet, so they are paused in quiesce; when that is undone, they go on. Answer as
 * update_for_each_workload() does; what fails is logged and no reason to roll back. */
int bystanders_pause(Update *update);
int bystanders_resume(Update *update);

/* pcrs.c: measures what is about to be started, as MeasureImage= says. 0: there is nothing to measure; 1: `done` will
 * be called. */
int update_extend_pcrs(Update *update, TaskDoneFunc done);

/* measure.c */
void update_measure(Update *update); /* the phases nobody of ours saw */

/* new-side.c */
int retrieve_run(Update *update);
int restore_run(Update *update);
int resume_run(Update *update);
int finish_run(Update *update);
