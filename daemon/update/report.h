/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What came of an update: schemas/report.json. */

#include <json-c/json.h>

#include "update/manager.h"

const char *report_outcome(const Update *update); /* of the new side: "updated" or "partial" */
json_object *report_new(const Update *update, const char *outcome); /* NULL: no memory */

/* Becomes the manager's; also kept in /run for a restart of the daemon. Takes `report`, which may be NULL. */
void report_keep(Manager *manager, json_object *report);
void report_load(Manager *manager);
