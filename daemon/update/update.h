/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ipc/varlink.h"
#include "update/manager.h"

/* Starts an update on the old side. `call` is referenced and hears of the progress, and of the failure. The caller
 * has made sure that nothing stands in the way (requirements.h). The failure of an automatic one is kept for the
 * status. */
int update_begin(Manager *manager, VarlinkCall *call, bool is_automatic);

/* At start, after registry_inherit(): goes on with an update that began under the previous kernel, or undoes one that a
 * predecessor of this process left half done under this kernel. Its `devices` (borrowed; NULL: it left them alone) are
 * back already: devices_recover(). 0: there is none, 1: it goes on. */
int update_take_over(Manager *manager, Inheritance *inheritance, json_object *devices);

/* Rolls back one of the old side, unless that is under way. */
void update_abort(Update *update, const char *why);

Update *update_free(Update *update);

/* For the API: "updating", "rolling_back", "restoring", and a phase's name. */
void update_where(const Update *update, const char **ret_state, const char **ret_phase);
bool update_is_on_old_side(const Update *update);

/* From the registry; manager->update may be NULL. */
void update_workload_ready(Manager *manager, Workload *w);
void update_workload_gone(Manager *manager, Workload *w);
