/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A QMP connection on the event loop: greeting, capabilities, commands answered by callback, events. */

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "basic/cleanup.h"

#define QMP_LINE_BYTES_MAX (1U << 20)

typedef struct Qmp Qmp;

/* `error` is 0 with the value of "return" (borrowed), or negative with NULL: -EREMOTEIO when QEMU answered an
 * error (its text in `message`), -ETIMEDOUT, -ECONNRESET when the connection ended, -EBADMSG when it spoke no QMP. */
typedef void (*QmpReplyFunc)(Qmp *qmp, int error, const char *message, json_object *value, void *userdata);
/* data is borrowed, may be NULL */
typedef void (*QmpEventFunc)(Qmp *qmp, const char *event, json_object *data, void *userdata);
/* The connection is over (error < 0), and every outstanding reply has been called. */
typedef void (*QmpClosedFunc)(Qmp *qmp, int error, void *userdata);

/* Takes `fd`, a connected socket, also on failure. Commands may be executed at once; they wait for the greeting. Safe
 * on a connection that has negotiated its capabilities before (another daemon's). */
int qmp_new(sd_event *event, int fd, QmpEventFunc on_event, QmpClosedFunc on_closed, void *userdata, Qmp **ret);
/* Outstanding replies are not called any more. Safe from within any callback. */
Qmp *qmp_free(Qmp *qmp);
DEFINE_CLEANUP(Qmp *, qmp_free)

/* `arguments` is consumed, may be NULL; `fd` travels beside the command (getfd, add-fd) and is lent, or -EBADF.
 * Commands are answered in order. `timeout_usec` from now. `func` may be NULL. It is called from the event loop,
 * never from within qmp_execute(). */
int qmp_execute(Qmp *qmp, const char *command, json_object *arguments, int fd, uint64_t timeout_usec, QmpReplyFunc func,
                void *userdata);

/* Of the greeting: major << 16 | minor << 8 | micro; 0 before it came or where a reused connection has none. */
uint32_t qmp_version(Qmp *qmp);
