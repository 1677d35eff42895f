/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Stagings, one after the other, beside the event loop: loading a large image takes seconds, in which the daemon
 * answers and its watchdog is fed. */

#include "ipc/varlink.h"
#include "update/staging.h"

typedef struct Manager Manager;
typedef struct StagingJob StagingJob;

#define STAGINGS_MAX 16U /* that wait */

/* Takes the order, on failure too, and references the call, which is answered when it is done: that of Stage, or of
 * Check if the order is one. -EBUSY: too many wait. */
int stagings_add(Manager *manager, VarlinkCall *call, StageOrder *order);

/* Whether a kernel is being loaded, or is to be soon. */
bool stagings_are_loading(const Manager *manager);

void stagings_forget(Manager *manager);
