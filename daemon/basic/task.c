/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "basic/task.h"

/* Shared by the thread and the event loop; the last of them frees it. */
typedef struct Job {
        atomic_uint n_refs;
        atomic_int result;
        int done_fd;
        TaskFunc func;
        TaskFreeFunc free_func;
        void *data;
} Job;

struct Task {
        Job *job;
        sd_event_source *source;
        TaskDoneFunc done;
        void *userdata;
};

static Job *job_unref(Job *job) {
        if (!job || atomic_fetch_sub(&job->n_refs, 1) > 1)
                return NULL;
        if (job->free_func)
                job->free_func(job->data);
        fd_close(job->done_fd);
        free(job);
        return NULL;
}

DEFINE_CLEANUP(Job *, job_unref)

static void *job_run(void *userdata) {
        _cleanup_(job_unrefp) Job *job = userdata;

        atomic_store(&job->result, job->func(job->data));
        (void) eventfd_write(job->done_fd, 1);
        return NULL;
}

static int job_new(TaskFunc func, void *data, TaskFreeFunc free_func, Job **ret) {
        Job *job = calloc(1, sizeof(*job));

        if (!job) {
                if (free_func)
                        free_func(data);
                return -ENOMEM;
        }
        job->n_refs = 1;
        job->func = func;
        job->data = data;
        job->free_func = free_func;
        *ret = job;

        job->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        return job->done_fd < 0 ? -errno : 0;
}

/* The thread takes no signals, they are the event loop's. */
static int job_start(Job *job) {
        pthread_attr_t attributes;
        pthread_t thread;
        sigset_t all;
        int r;

        r = pthread_attr_init(&attributes);
        if (r > 0)
                return -r;
        sigfillset(&all);
        (void) pthread_attr_setsigmask_np(&attributes, &all);
        (void) pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);

        atomic_fetch_add(&job->n_refs, 1);
        r = pthread_create(&thread, &attributes, job_run, job);
        if (r > 0)
                job_unref(job);
        (void) pthread_attr_destroy(&attributes);
        return -r;
}

static int on_done(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Task *task = userdata;

        (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
        task->done(atomic_load(&task->job->result), task->userdata);
        return 0;
}

int task_start(sd_event *event, TaskFunc func, void *data, TaskFreeFunc free_func, TaskDoneFunc done, void *userdata,
                Task **ret) {
        _cleanup_(job_unrefp) Job *job = NULL;
        _cleanup_(task_freep) Task *task = NULL;
        int r;

        r = job_new(func, data, free_func, &job);
        if (r < 0)
                return r;
        task = calloc(1, sizeof(*task));
        if (!task)
                return -ENOMEM;
        task->done = done;
        task->userdata = userdata;

        r = sd_event_add_io(event, &task->source, job->done_fd, EPOLLIN, on_done, task);
        if (r < 0)
                return r;
        r = job_start(job);
        if (r < 0)
                return r;

        task->job = TAKE_PTR(job);
        *ret = TAKE_PTR(task);
        return 0;
}

Task *task_free(Task *task) {
        if (!task)
                return NULL;
        sd_event_source_disable_unref(task->source);
        job_unref(task->job);
        free(task);
        return NULL;
}
