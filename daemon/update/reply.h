/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Errors of io.liveupdate: a sentence that says what failed, and one that says what to do. */

#include "ipc/varlink.h"

typedef struct ErrorReply {
        const char *error; /* without the interface */
        const char *message, *remedy;
        /* Parameters of some; borrowed. */
        const char *reason;
        json_object *losses, *findings;
} ErrorReply;

int reply_error(VarlinkCall *call, const ErrorReply *error);
int reply_in_progress(VarlinkCall *call);
/* A kernel is being loaded at this moment. */
int reply_staging(VarlinkCall *call);
