/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Private to placement*.c. */

#include "workload/placement.h"

/* The names as of sched(7). NULL, -EBADMSG: none that Linux has. */
const char *sched_policy_to_string(int policy);
int sched_policy_from_string(const char *name);

/* The group of those that run so, a new one if there is none. Negative errno; -E2BIG: PLACED_GROUPS_MAX. */
int placement_group(Placement *placement, const ThreadPlacement *how);
/* `thread` NULL: the process's first. Fails for iothreads alone: -E2BIG, -ENOMEM. */
int placement_assign(Placement *placement, const QemuThread *thread, uint16_t group);
