/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One run of liveupdate-inspect, from the daemon's side. Any thread may have some; the program dies with the thread
 * that started it. */

#include <json-c/json.h>
#include <stddef.h>
#include <stdint.h>

#include "basic/cleanup.h"

typedef struct InspectProcess InspectProcess;

/* The request is consumed, the fds are borrowed for the call. 0 or as inspect.h says. */
int inspect_process_start(const char *job, json_object *request, const int *fds, size_t n_fds, uint64_t timeout_usec,
                InspectProcess **ret);

/* Once. As inspect_run(). */
int inspect_process_wait(InspectProcess *process, json_object **ret);

/* Kills it where it still runs. */
InspectProcess *inspect_process_free(InspectProcess *process);
DEFINE_CLEANUP(InspectProcess *, inspect_process_free)
