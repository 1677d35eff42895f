/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One client. It is freed by its own event handlers and by the server, never below a method: what goes wrong
 * there only marks it broken. */

#include <sys/socket.h>

#include "ipc/server.h"
#include "ipc/wire.h"

struct Connection {
        VarlinkServer *server;
        LIST_ENTRY(Connection) entry;
        int fd;
        struct ucred peer;
        sd_event_source *io;
        sd_event_source *defer; /* goes on with what is buffered, or ends the connection */
        sd_event_source *input_timer, *output_timer;
        WireInput input;
        WireOutput output;
        VarlinkCall *call; /* under way; holds no reference */
        bool is_eof, is_broken;
};

/* Takes `fd` on success and belongs to the server. */
int connection_new(VarlinkServer *server, int fd, const struct ucred *peer);
Connection *connection_free(Connection *connection);
DEFINE_CLEANUP(Connection *, connection_free)

int connection_set_priority(Connection *connection, int64_t priority);

/* Negative if the message cannot be sent to anybody; a peer that does not take it is no error. */
int connection_send(Connection *connection, json_object *message, const int *fds, size_t n_fds);

/* The call under way is over. */
void connection_call_done(Connection *connection);

/* Ends it soon. */
void connection_break(Connection *connection);
