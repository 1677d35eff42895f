/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the parts of putting the host back share. */

#include <stdatomic.h>

#include "host/boot.h"
#include "update/baseline.h"
#include "update/host.h"

typedef enum HostPart {
        HOST_CLOCK,
        HOST_ENTROPY,
        HOST_MODULES,
        HOST_NETWORK,
        HOST_FIREWALL,
        HOST_SETTINGS,
        HOST_INTERRUPTS,
        HOST_TMPFS,
        _HOST_PART_MAX,
} HostPart;

const char *host_part_to_string(HostPart part);

/* What came of it, all passes together; the problems are those of the last pass, after those of the manifest itself, of
 * which no pass gets rid. */
typedef struct HostResult {
        bool is_tried;
        size_t n_changes, n_missing, n_lasting;
        uint64_t usec;
        json_object *problems;
} HostResult;

typedef struct HostTmpfs {
        char *path, *options;
        uint64_t token;
        int fd;
        bool is_back;
} HostTmpfs;

/* What is to be put back, and how far it is: shared with threads, of which at most one works on a part at a time; the
 * event loop looks at a part's result when none does. */
typedef struct HostState {
        atomic_uint n_refs;
        json_object *wanted;   /* the manifest's "host"; only looked at */
        Network *network;      /* or NULL */
        Baseline *baseline;
        uint64_t captured_tsc, tsc_hz;
        WallClock clock;
        bool is_first_process; /* under this kernel: the clock and the seed are its to use */
        int seed_fd;
        HostTmpfs *tmpfs;
        size_t n_tmpfs;
        int64_t clock_step_nsec;
        HostResult results[_HOST_PART_MAX];
} HostState;

/* host-state.c: from a manifest, of which all is hostile; what cannot be read becomes a problem of its part. */
int host_state_new(const Manifest *manifest, Baseline *baseline, HostState **ret);
HostState *host_state_ref(HostState *state);
HostState *host_state_unref(HostState *state);
DEFINE_CLEANUP(HostState *, host_state_unref)
/* Whether contents of a tmpfs are still in memory alone; not while a thread may be at them. */
bool host_state_lacks_tmpfs(const HostState *state);

/* host-parts.c: for threads, by TaskFunc. */
int host_run_first(void *state);      /* before a guest's process comes up: settings, network */
int host_run_network(void *state);    /* when an interface has come */
int host_run_network_later(void *state); /* and services had their turn */
int host_run_firewall(void *state);   /* beside the guests' processes that come up */
int host_run_privileged(void *state); /* clock, entropy, modules: beside all these */
int host_run_settings(void *state);   /* after all these, before a guest goes on */
int host_run_tmpfs(void *state);      /* as soon as possible, but no guest waits for it */
int host_run_later(void *state);      /* once the services had their turn */

/* host-watch.c: calls `changed` from the event loop when an interface came, went or changed. */
typedef struct HostWatch HostWatch;
int host_watch_new(sd_event *event, void (*changed)(void *userdata), void *userdata, HostWatch **ret);
HostWatch *host_watch_free(HostWatch *watch);

struct HostRestore {
        Manager *manager;
        HostState *state;
        char *id; /* of the update */
        Task *task, *privileged;
        bool is_network_up, is_firewall_up, is_privileged_done, are_settings_back, is_tmpfs_tried;
        bool is_impatient; /* guests do not wait any longer */
        bool is_wanting;   /* an interface came or changed since the network was last looked at */
        bool is_late;      /* the boot is over */
        bool is_hurried;   /* the next update waits for the end */
        unsigned n_later;  /* passes since */
        BootWatch *boot;
        HostWatch *watch;
        sd_event_source *settle, *patience;
        void (*over)(void *userdata); /* who hurried it */
        void *over_userdata;
};

/* host-restore.c: it is manager->host until all is over. */
int host_restore_start(Manager *manager, HostState *state, const char *id);

/* host-passes.c: what is next, if nothing runs; `host` may be freed then. And what runs beside it. */
void host_restore_go_on(HostRestore *host);
void host_restore_go_beside(HostRestore *host);

/* host-begin.c: out of the service manager's store, unless host_state_lacks_tmpfs(): then the manifest stays there with
 * them. */
void host_state_drop_kept(const HostState *state);

/* host-report.c */
json_object *host_state_report(const HostState *state, const char *outcome);
bool host_state_has_problems(const HostState *state);
void host_state_tell(const HostState *state, const char *id);
