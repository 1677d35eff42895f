/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A blocking call into the kernel, made on a thread of its own while the event loop goes on. */

#include <systemd/sd-event.h>

#include "basic/cleanup.h"

typedef struct Task Task;

/* Runs on the thread; answers 0 or a negative errno. */
typedef int (*TaskFunc)(void *data);
/* Frees `data` when the thread is through with it, on whichever thread comes last. */
typedef void (*TaskFreeFunc)(void *data);
/* Called from the event loop. The task may be freed inside. */
typedef void (*TaskDoneFunc)(int error, void *userdata);

/* `data` is taken, on failure too; `free_func` may be NULL. */
int task_start(sd_event *event, TaskFunc func, void *data, TaskFreeFunc free_func, TaskDoneFunc done, void *userdata,
                Task **ret);
/* Does not wait: what still runs goes on unheard. */
Task *task_free(Task *task);
DEFINE_CLEANUP(Task *, task_free)
