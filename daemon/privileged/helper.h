/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A connection to one of the programs of this folder: by the socket on which systemd listens for it, or to a process of
 * our own where nobody does. */

#include <stdint.h>
#include <sys/types.h>

#include "ipc/varlink.h"

typedef struct HelperKind {
        const char *interface;
        const char *socket; /* NULL: it is always a process of our own */
        const char *program;
        const char *variable; /* of the environment: the program in its place, started whoever listens. For tests */
        const char *unit; /* of systemd's, which listens on `socket` once it is started; NULL: it is not started */
} HelperKind;

typedef struct Helper {
        const HelperKind *kind;
        VarlinkClient *client;
        pid_t pid; /* 0: systemd's */
} Helper;

int helper_open(const HelperKind *kind, Helper *ret, char **ret_why);
/* One that we started ends with its connection, or is killed. */
void helper_done(Helper *helper);

/* `parameters` is consumed, `fd` (-EBADF: none) is lent. The error is the helper's own, or -ETIMEDOUT, -ECONNRESET,
 * -EPROTO. */
int helper_call(Helper *helper, const char *method, json_object *parameters, int fd, uint64_t timeout_usec,
                VarlinkReply *ret, char **ret_why);
