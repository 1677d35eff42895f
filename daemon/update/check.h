/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The list of findings, by which nobody has to hope before a commit. */

#include "update/manager.h"

/* Whether the kernel can do it at all: a finding of its own in Status. NULL: no memory. */
json_object *check_support(void);

/* Adds those of units and configuration, which Status has, too. */
int check_upkeep(Manager *manager, json_object *findings);

/* All of the host's: kernel, kexec, workloads, units, configuration. */
int check_host(Manager *manager, json_object *findings);

/* Those of a staged kernel: what was found when it was loaded, and what follows by today's configuration. */
int check_staged(const Manager *manager, const StagedKernel *staged, json_object *findings);

/* Whether it is still the one that is loaded. */
int check_loaded(const StagedKernel *staged, json_object *findings);
