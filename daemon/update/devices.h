/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The part of the devices in the steps of an update; an API for those who only look. */

#include "drain/drain.h"
#include "update/manager.h"
#include "update/update-internal.h"

/* devices.c: under the old kernel. Steps answer as those of update-internal.h do. */

int devices_prepare(Update *update);
int devices_drain(Update *update, DrainRound round);
int devices_verify(Update *update); /* and notes for the new side what was found */
int devices_undo(Update *update, DrainRound round);
void devices_note(Update *update); /* as things stand, for the report of one that is rolled back */

/* With what the registered workloads use. */
int devices_read(Manager *manager, Inventory **ret);
DrainOptions devices_options(const Config *config); /* borrows from `config` */

/* devices-recover.c: before the workloads of a predecessor of this process are let go: the devices they need are made
 * as they were. Blocks as long as that takes. What was done, for the report; NULL: there was nothing. */
json_object *devices_recover(Inheritance *inheritance);

/* devices-compare.c: under the new kernel. What is not as before is noted in the manifest, for the report; where there is
 * something, once more a while later, and then told. */
void devices_compare(Update *update);

/* devices-api.c */
int devices_findings(Manager *manager, json_object *findings);
int method_devices(VarlinkCall *call, json_object *parameters, void *userdata);
