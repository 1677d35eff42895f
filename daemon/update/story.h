/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the journal is told, with the ids of messages.h. */

#include "update/manager.h"

void story_config(const char *problem);
void story_staged(const StagedKernel *staged);
void story_unstaged(const StagedKernel *staged);
void story_stage_failed(const char *origin, const char *message, const char *remedy);
void story_commit_refused(const char *release, const char *message, const char *remedy); /* `release` may be NULL */
void story_committed(const Update *update);
void story_interrupted(const Update *update);
void story_workload_lost(const Update *update, const char *name, const char *why);

void story_device_unsafe(const Update *update, const char *why);
void story_device_problem(const char *id, const char *address, const char *problem); /* `id` of the update */

void story_host_restored(const char *id);
void story_host_problem(const char *id, const char *part, const char *problem);
void story_handover_unread(const char *why);

/* The whole update, when it is over: each phase under both kernels, each workload, and the outcome. */
void story_over(const Update *update, const char *outcome);
