/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The host's own state in the steps of an update: what was told to the running kernel, and is lost with it. */

#include "host/network.h"
#include "update/manager.h"
#include "update/update-internal.h"

/* host-capture.c: under the old kernel, while guests run. Puts into the manifest what the next kernel is to be told.
 * Answers as a step does: 1, `done` will be called. */
int host_capture(Update *update, TaskDoneFunc done);
/* The part of the network that is carried: what the interfaces of these processes need, or all. *ret is NULL where
 * there is nothing to carry. `omitted` as of network_select(). Blocks in the kernel. */
int host_network_read(ReconcileNetwork scope, const pid_t *pids, size_t n_pids, json_object *omitted, Network **ret);

/* host-findings.c: what a commit would not carry. */
int host_findings(Manager *manager, json_object *findings);

/* host-tmpfs.c: packs the file systems of PreserveTmpfs= and preserves them in the manifest's session. 0: there are
 * none; 1: `done` will be called. */
int host_pack(Update *update, TaskDoneFunc done);
void host_pack_stop(Update *update);

/* host-seed.c: a seed for the next kernel's generator of random numbers, in a memfd of its own, so that it can be
 * wiped. */
int host_seed_prepare(Update *update);
int host_seed_draw(Update *update);
void host_seed_wipe(Update *update);

/* Under the new kernel. It goes on beside the update, and after it. */
typedef struct HostRestore HostRestore;

/* host-begin.c: with what the manifest says, and what else is in its session. One of a predecessor of this process
 * under this kernel has its fds in `inheritance` (may be NULL). */
int host_restore_begin(Update *update, Inheritance *inheritance);
/* The update is over, and its manifest out of the store: the host's is kept there from now on. */
void host_restore_keep(const HostRestore *host, int manifest_fd);
/* What a predecessor left undone, its update being over. */
void host_restore_inherit(Manager *manager, Inheritance *inheritance);

/* host-restore.c; `host` NULL: all is back. */
bool host_restore_is_ready(const HostRestore *host); /* guests may go on */
json_object *host_restore_report(const HostRestore *host); /* for the report; NULL: no memory */
/* The update is over: once the boot is, too, all is looked at again. */
void host_restore_after_update(HostRestore *host);
/* Another update is to begin: what would wait is done now, then `over` is called. `host` is freed by then. */
void host_restore_hurry(HostRestore *host, void (*over)(void *userdata), void *userdata);
/* What the next update would lose of it: manager->keeps_tmpfs. */
int host_add_losses(const Manager *manager, json_object *losses);
HostRestore *host_restore_free(HostRestore *host);
