/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is to survive. The registry knows every workload by name; each is driven by its kind (QEMU for now). A step
 * on one never waits for another: all of them are asynchronous and end in a callback. */

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include <sys/types.h>

#include "basic/cleanup.h"

#define WORKLOAD_NAME_MAX 40 /* with WORKLOAD_SESSION_PREFIX it must fit LUO_SESSION_NAME_MAX */
#define WORKLOAD_SESSION_PREFIX "liveupdated/"
#define WORKLOADS_MAX 1024

typedef enum WorkloadState {
        WORKLOAD_RUNNING,
        WORKLOAD_PAUSED,    /* by us, in a commit */
        WORKLOAD_SAVED,
        WORKLOAD_PRESERVED, /* came over from the previous kernel, not claimed yet */
        WORKLOAD_RESTORING, /* claimed: its process is coming up */
        WORKLOAD_FAILED,    /* could not be restored; what is left of it stays preserved */
        WORKLOAD_GONE,      /* its process ended */
        _WORKLOAD_STATE_MAX,
} WorkloadState;
const char *workload_state_to_string(WorkloadState state);

typedef struct Registry Registry;
typedef struct Workload Workload;

/* error: 0 or negative errno with a text for people in `why` */
typedef void (*WorkloadDoneFunc)(Workload *w, int error, const char *why, void *userdata);

bool workload_name_is_valid(const char *name); /* [A-Za-z0-9_.-]{1,40}, beginning with a letter or digit */
