/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Staging by a package manager's hook, and committing by a window: what comes before and after the call that every
 * stage and commit makes. */

#include "client/ctl.h"

/* Asks the daemon whether `release` is wanted, and waits until the package manager is done. CTL_SAID: it is not wanted,
 * and why was said. */
int automatic_begin(const Ctl *ctl, const char *release);

/* A stage was refused since an update was under way: waits until it is over. CTL_OK: ask again. Where the update
 * changes the kernel this process ends with the old one. */
int automatic_wait_for_update(const Ctl *ctl, const char *release);

/* Waits until the package manager is done, before a commit. The daemon is told what fails. */
int automatic_begin_commit(const Ctl *ctl);

/* Tells the daemon why `release` could not even be given to it, for Status, and the user. `message` and `remedy` are
 * sentences. Answers CTL_REFUSED. */
int automatic_failed(const Ctl *ctl, const char *release, const char *message, const char *remedy);

/* Starts what is to commit the kernel that `answer`, of Stage, is about. */
int automatic_follow(const Ctl *ctl, json_object *answer);
