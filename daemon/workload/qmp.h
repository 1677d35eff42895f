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

/* `error` is 0 with the value of "return" (borrowed; NULL where QEMU said null), or negative with NULL:
 * -EREMOTEIO when QEMU answered an error (its text in `message`), -ETIMEDOUT, -ECONNRESET when the
 * connection ended, -EBADMSG when it spoke no QMP. `message` is NULL only where `error` is 0. */
typedef void (*QmpReplyFunc)(Qmp *qmp, int error, const char *message, json_object *value, void *userdata);
/* data is borrowed, may be NULL */
typedef void (*QmpEventFunc)(Qmp *qmp, const char *event, json_object *data, void *userdata);
/* The connection is over (error < 0), and every outstanding reply has been called. */
typedef void (*QmpClosedFunc)(Qmp *qmp, int error, void *userdata);

/* Takes `fd`, a connected socket, also on failure. Commands may be executed at once; they wait for the
 * greeting. Safe on a connection that has negotiated its capabilities before (another daemon's). */
int qmp_new(sd_event *event, int fd, QmpEventFunc on_event, QmpClosedFunc on_closed, void *userdata,
                Qmp **ret);
/* The same for a connection that is known to be another daemon's: no greeting is waited for, though one that
 * is still to come is understood. */
int qmp_take_over(sd_event *event, int fd, QmpEventFunc on_event, QmpClosedFunc on_closed, void *userdata,
                Qmp **ret);
/* Outstanding replies are not called any more. Safe from within any callback. */
Qmp *qmp_free(Qmp *qmp);
DEFINE_CLEANUP(Qmp *, qmp_free)

/* `arguments` is consumed, may be NULL; `fd` travels beside the command (getfd, add-fd) and is lent, or
 * -EBADF. Commands are answered in order. `timeout_usec` from now, UINT64_MAX: never. `func` may be NULL. It
 * is called from the event loop, never from within qmp_execute(). A command that timed out unsent is never
 * sent; one that was sent may still be executed by QEMU, and its late answer is ignored. -ENOTCONN when the
 * connection is over, -ENOBUFS when 64 commands wait, -E2BIG for a line beyond QMP_LINE_BYTES_MAX. */
int qmp_execute(Qmp *qmp, const char *command, json_object *arguments, int fd, uint64_t timeout_usec,
                QmpReplyFunc func, void *userdata);

/* Of all its event sources, as of sd_event_source_set_priority(). */
int qmp_set_priority(Qmp *qmp, int64_t priority);

/* major << 16 | minor << 8 | micro, of the greeting, or asked for where a reused connection has none. 0
 * before it came, never in the reply to a command. */
uint32_t qmp_version(Qmp *qmp);
