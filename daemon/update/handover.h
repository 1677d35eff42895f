/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* When the manifest of the previous kernel cannot be read, nobody knows what else came over. It is all kept: the session
 * of the manifest is held, those of the workloads stay with the kernel, each describes itself, and is taken by the name
 * of whoever comes to claim it. */

#include "update/manager.h"

/* Takes both fds. `error` is what manifest_read() answered. */
void handover_keep(Manager *manager, int session_fd, int manifest_fd, int error);
/* What a predecessor of this process kept. */
void handover_inherit(Manager *manager, Inheritance *inheritance);
void handover_done(Manager *manager);

/* Somebody registers as `name`: if there is such a session, it is in the registry afterwards, as preserved. */
void handover_claim(Manager *manager, const char *name);

/* For the status; and what a commit would lose. Nothing where there is nothing. */
int handover_findings(const Manager *manager, json_object *findings);
int handover_add_losses(const Manager *manager, json_object *losses);
