/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Errors of io.liveupdate: a sentence that says what failed, and one that says what to do. */

#include "ipc/varlink.h"

/* `error` without the interface. `reason` and `losses` are parameters of some, else NULL; losses are borrowed. */
int reply_error(VarlinkCall *call, const char *error, const char *reason, const char *message, const char *remedy,
                json_object *losses);
int reply_in_progress(VarlinkCall *call);
