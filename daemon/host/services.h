/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Ordinary services are stopped before the kernel is changed, by isolating liveupdate.target, and started again when
 * it is not changed after all. Over the bus of systemd's PID 1, asynchronously. On a host without systemd there is
 * nothing to stop. */

#include <json-c/json.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "basic/cleanup.h"

typedef struct Services Services;

/* `error` is 0 or a negative errno with a sentence in `why`. */
typedef void (*ServicesDoneFunc)(int error, const char *why, void *userdata);

/* Isolates liveupdate.target. The units of the processes in `keep` go on, with all that they need. 0 and *ret NULL:
 * nothing to be done here, `done` will not be called; 1: `done` will be called, and the object tells what was stopped
 * by then, also after an error. After `timeout_usec` -ETIMEDOUT, naming the units that did not stop. */
int services_stop(sd_event *event, const pid_t *keep, size_t n_keep, uint64_t timeout_usec, ServicesDoneFunc done,
                void *userdata, Services **ret);

/* Starts again what was stopped, in the order systemd knows, also if the stop is still under way; the stop's `done`
 * will not be called any more then. 0: there was nothing, `done` will not be called; 1: `done` will be called. A unit
 * that does not start is an error that names it, and the others are started all the same; it can be tried again. */
int services_start(Services *services, uint64_t timeout_usec, ServicesDoneFunc done, void *userdata);

/* A memfd (borrowed) with the names of the units that will be stopped, so that a process that takes over
 * from this one can start them again. `listed` is called once, before anything is stopped, and must not free the
 * object. */
typedef void (*ServicesListedFunc)(int fd, void *userdata);
void services_on_listed(Services *services, ServicesListedFunc listed, void *userdata);
/* Takes `fd`. */
int services_inherit(sd_event *event, int fd, Services **ret);

Services *services_free(Services *services); /* stopped units stay stopped */
DEFINE_CLEANUP(Services *, services_free)

/* What is the matter with our own units, for `status`: one {"id", "state": "warn", "text", "remedy"} for each
 * liveupdate-* unit that failed or is masked. An empty array where there is no systemd. Waits a second at most. */
int services_findings(json_object **ret);

/* When liveupdate-commit.timer elapses next, CLOCK_REALTIME; -ENOENT when it is not running. */
int services_next_window(uint64_t *ret_usec);
