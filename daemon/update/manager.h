/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the daemon is made of. */

#include <json-c/json.h>
#include <systemd/sd-event.h>

#include "basic/cleanup.h"
#include "config/config.h"
#include "ipc/varlink.h"
#include "store/store.h"
#include "update/automation.h"
#include "update/baseline.h"
#include "update/running-kernel.h"
#include "update/staged.h"
#include "update/stagings.h"
#include "workload/workload.h"

typedef struct Update Update;
typedef struct HostRestore HostRestore;

#define MONITORS_MAX 32U

typedef struct Handover {
        bool is_unread; /* sessions of the previous kernel are there, but no manifest that tells of them (handover.h) */
        int session_fd, manifest_fd;
        const char *why;
} Handover;

typedef struct Manager {
        sd_event *event;
        Config *config;
        VarlinkServer *varlink;
        Registry *registry;
        StagedKernel *staged; /* NULL: none */
        StagingJob *stagings; /* that run or wait */
        RunningKernel running;
        Automation automation;
        Update *update;       /* NULL: none runs */
        Baseline *baseline;   /* of the settings of this kernel */
        HostRestore *host;    /* NULL: the host's state is back */
        bool keeps_tmpfs;     /* but for contents of a tmpfs, which are in memory and the store alone */
        Handover handover;
        bool is_ending;       /* told to end; an update of the old side is rolled back first */
        json_object *report;  /* of the last update; NULL: none */
        VarlinkCall *monitors[MONITORS_MAX];
        size_t n_monitors;
        sd_event_source *settle; /* looks at the devices once more after an update */
} Manager;

#define LIVEUPDATE_RUNTIME_DIRECTORY "/run/liveupdate"
#define LIVEUPDATE_SOCKET LIVEUPDATE_RUNTIME_DIRECTORY "/io.liveupdate"

int manager_new(Manager **ret); /* reads the configuration, too */
Manager *manager_free(Manager *manager);
DEFINE_CLEANUP(Manager *, manager_free)

/* Takes the listening sockets among what was inherited, or binds LIVEUPDATE_SOCKET itself. */
int manager_listen(Manager *manager, Inheritance *inheritance);

void manager_reload(Manager *manager);
/* Ends the event loop, once nothing is left half done. */
void manager_end(Manager *manager);

/* Tells the log and every monitor. `phase` and `text` may be NULL. */
void manager_tell(Manager *manager, const char *state, const char *phase, const char *text);
json_object *manager_progress(Manager *manager);

/* api.c, workload-api.c */
extern const VarlinkInterface liveupdate_interface, workload_interface;
