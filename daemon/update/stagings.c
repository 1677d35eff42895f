/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/log.h"
#include "basic/task.h"
#include "update/manager.h"
#include "update/stage-api.h"
#include "update/stagings.h"

struct StagingJob {
        Manager *manager;
        VarlinkCall *call;
        Staging *staging;
        Task *task;                 /* NULL: it waits for those before it */
        const StagedKernel *staged; /* whose digest is computed; only to be compared. NULL: it is being staged */
        StagingJob *next;
};

static StagingJob *job_free(StagingJob *job) {
        if (!job)
                return NULL;
        task_free(job->task);
        varlink_call_unref(job->call);
        staging_unref(job->staging);
        free(job);
        return NULL;
}

DEFINE_CLEANUP(StagingJob *, job_free)

/* The thread may outlive job and manager, at the daemon's end. */
static void drop_staging(void *data) {
        staging_unref(data);
}

static int run_staging(void *data) {
        return staging_run(data);
}

static int run_digest(void *data) {
        return staging_digest(data);
}

static int job_start(StagingJob *job, TaskFunc run, TaskDoneFunc done) {
        job->task = task_free(job->task);
        return task_start(job->manager->event, run, staging_ref(job->staging), drop_staging, done, job, &job->task);
}

static void job_end(StagingJob *job);

static void on_digested(int error, void *userdata) {
        StagingJob *job = userdata;
        StagedKernel *staged = job->manager->staged;

        if (error < 0)
                log_warning_errno(error, "Cannot compute the digest of what was staged: %m");
        else if (staged && staged == job->staged) {
                staged->sha256 = staging_take_digest(job->staging);
                staged_kernel_save(staged);
        }
        job_end(job);
}

static void on_staged(int error, void *userdata) {
        StagingJob *job = userdata;
        Manager *manager = job->manager;
        int r;

        manager->running = *staging_running(job->staging);
        r = stage_api_done(manager, job->call, job->staging, error);
        if (r < 0)
                log_error_errno(r, "Cannot answer what became of a staging: %m");
        job->call = varlink_call_unref(job->call);
        if (r > 0) {
                job->staged = manager->staged;
                r = job_start(job, run_digest, on_digested);
                if (r >= 0)
                        return;
                log_warning_errno(r, "Cannot compute the digest of what was staged: %m");
        }
        job_end(job);
}

static void start_first(Manager *manager) {
        while (manager->stagings) {
                StagingJob *job = manager->stagings;
                int r = job_start(job, run_staging, on_staged);

                if (r >= 0)
                        return;
                log_error_errno(r, "Cannot start a staging: %m");
                manager->stagings = job->next;
                job_free(job);
        }
}

static void job_end(StagingJob *job) {
        Manager *manager = job->manager;

        manager->stagings = job->next;
        job_free(job);
        start_first(manager);
}

int stagings_add(Manager *manager, VarlinkCall *call, StageOrder *order) {
        _cleanup_(job_freep) StagingJob *job = calloc(1, sizeof(*job));
        StagingJob **last = &manager->stagings;
        size_t n = 0;
        int r;

        if (!job) {
                stage_order_free(order);
                return -ENOMEM;
        }
        r = staging_new(order, &manager->running, &job->staging);
        if (r < 0)
                return r;
        for (; *last; last = &(*last)->next)
                n++;
        if (n > STAGINGS_MAX)
                return -EBUSY;
        job->manager = manager;
        if (n == 0) {
                r = job_start(job, run_staging, on_staged);
                if (r < 0)
                        return r;
        }
        job->call = varlink_call_ref(call);
        *last = TAKE_PTR(job);
        return 0;
}

bool stagings_are_loading(const Manager *manager) {
        for (const StagingJob *job = manager->stagings; job; job = job->next)
                if (!job->staged && !staging_order(job->staging)->is_check)
                        return true;
        return false;
}

void stagings_forget(Manager *manager) {
        while (manager->stagings) {
                StagingJob *next = manager->stagings->next;

                job_free(manager->stagings);
                manager->stagings = next;
        }
}
