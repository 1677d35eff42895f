/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "basic/log.h"
#include "ipc/call.h"
#include "ipc/connection.h"

/* Reading stops while a call is under way or a whole message waits: what the client sends meanwhile stays in
 * the kernel and fills his own buffers, not ours. The clock of a message runs only while we do read. */

Connection *connection_free(Connection *connection) {
        if (!connection)
                return NULL;

        if (connection->server)
                LIST_REMOVE(connection, entry);
        sd_event_source_disable_unref(connection->io);
        sd_event_source_disable_unref(connection->defer);
        sd_event_source_disable_unref(connection->input_timer);
        sd_event_source_disable_unref(connection->output_timer);
        if (connection->call)
                call_disconnect(TAKE_PTR(connection->call));
        wire_input_done(&connection->input);
        wire_output_done(&connection->output);
        fd_close(connection->fd);
        free(connection);
        return NULL;
}

static bool connection_has_message(Connection *connection) {
        return wire_input_message_size(&connection->input) > 0;
}

static bool connection_is_done(Connection *connection) {
        if (connection->is_broken)
                return true;
        return connection->is_eof && !connection->call && !connection->output.head &&
                        !connection_has_message(connection);
}

static bool connection_wants_input(Connection *connection) {
        return !connection->is_eof && !connection->call && !connection_has_message(connection);
}

static int connection_on_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
        Connection *connection = userdata;

        log_debug("Varlink client %i took too long to %s, dropping it", connection->peer.pid,
                        source == connection->input_timer ? "complete a message" : "take its answers");
        connection_free(connection);
        return 0;
}

/* A clock that exists is running; one that runs already is left alone. */
static int connection_set_clock(Connection *connection, sd_event_source **timer, bool is_on) {
        int r;

        if (!is_on) {
                *timer = sd_event_source_disable_unref(*timer);
                return 0;
        }
        if (*timer)
                return 0;

        r = sd_event_add_time_relative(connection->server->event, timer, CLOCK_MONOTONIC,
                        connection->server->request_usec, 0, connection_on_timeout, connection);
        if (r < 0)
                return r;
        return sd_event_source_set_priority(*timer, connection->server->priority);
}

static int connection_arm(Connection *connection) {
        bool wants_input = connection_wants_input(connection);
        bool is_deferred = connection_is_done(connection) ||
                        (!connection->call && connection_has_message(connection));
        uint32_t events = (wants_input ? EPOLLIN : 0) | (connection->output.head ? EPOLLOUT : 0);
        int r;

        r = sd_event_source_set_io_events(connection->io, events);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(connection->defer, is_deferred ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
        if (r < 0)
                return r;
        r = connection_set_clock(
                        connection, &connection->input_timer, wants_input && connection->input.size > 0);
        if (r < 0)
                return r;
        return connection_set_clock(connection, &connection->output_timer, connection->output.head);
}

void connection_break(Connection *connection) {
        connection->is_broken = true;
        (void) sd_event_source_set_enabled(connection->defer, SD_EVENT_ONESHOT);
}

void connection_call_done(Connection *connection) {
        connection->call = NULL;
        if (connection_arm(connection) < 0)
                connection_break(connection);
}

static int connection_flush(Connection *connection) {
        uint64_t n_sent = connection->output.n_sent;
        int r = wire_output_flush(&connection->output, connection->fd);

        if (connection->output.n_sent != n_sent)
                (void) connection_set_clock(connection, &connection->output_timer, false);
        return r;
}

int connection_send(Connection *connection, json_object *message, const int *fds, size_t n_fds) {
        int r;

        if (connection->is_broken)
                return 0;
        r = wire_output_push(&connection->output, message, fds, n_fds);
        if (r < 0)
                return r;

        r = connection_flush(connection);
        if (r >= 0)
                r = connection->output.size > VARLINK_BACKLOG_BYTES_MAX ? -ENOBUFS
                                                                        : connection_arm(connection);
        if (r < 0) {
                log_debug_errno(r, "Varlink client %i takes no answers, dropping it: %m",
                                connection->peer.pid);
                connection_break(connection);
        }
        return 0;
}

static int connection_dispatch(Connection *connection) {
        _cleanup_(varlink_call_unrefp) VarlinkCall *call = NULL;
        int r;

        if (connection->is_broken || connection->call || !connection_has_message(connection))
                return 0;

        r = call_new(connection, &call);
        if (r < 0)
                return r;
        r = connection_set_clock(connection, &connection->input_timer, false);
        if (r < 0)
                return r;
        connection->call = call;
        call_dispatch(call);
        return 0;
}

static int connection_read(Connection *connection) {
        int r = wire_input_receive(&connection->input, connection->fd);

        if (r == -EAGAIN)
                return 0;
        if (r < 0)
                return r;
        connection->is_eof = r == 0;
        return connection_dispatch(connection);
}

/* The end of every event handler, and the only place where a connection ends itself. It never fails, as that
 * would switch the source off. */
static int connection_conclude(Connection *connection, int r) {
        if (r >= 0)
                r = connection_arm(connection);
        if (r < 0)
                log_debug_errno(r, "Dropping varlink client %i: %m", connection->peer.pid);
        if (r < 0 || connection_is_done(connection))
                connection_free(connection);
        return 0;
}

static int connection_on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Connection *connection = userdata;
        int r = 0;

        if (revents & EPOLLOUT)
                r = connection_flush(connection);
        if (r >= 0 && connection_wants_input(connection))
                r = connection_read(connection);
        else if (r >= 0 && (revents & (EPOLLHUP | EPOLLERR)) &&
                        (connection->call || !connection_has_message(connection)))
                r = -ECONNRESET;
        return connection_conclude(connection, r);
}

static int connection_on_defer(sd_event_source *source, void *userdata) {
        Connection *connection = userdata;

        return connection_conclude(connection, connection_dispatch(connection));
}

int connection_set_priority(Connection *connection, int64_t priority) {
        sd_event_source *const sources[] = {
                connection->io,
                connection->defer,
                connection->input_timer,
                connection->output_timer,
        };

        for (size_t i = 0; i < ELEMENTSOF(sources); i++) {
                int r = sources[i] ? sd_event_source_set_priority(sources[i], priority) : 0;

                if (r < 0)
                        return r;
        }
        return 0;
}

int connection_new(VarlinkServer *server, int fd, const struct ucred *peer) {
        _cleanup_(connection_freep) Connection *connection = NULL;
        int r;

        connection = calloc(1, sizeof(*connection));
        if (!connection)
                return -ENOMEM;
        connection->fd = -EBADF;
        connection->peer = *peer;

        r = sd_event_add_io(server->event, &connection->io, fd, EPOLLIN, connection_on_io, connection);
        if (r < 0)
                return r;
        r = sd_event_add_defer(server->event, &connection->defer, connection_on_defer, connection);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(connection->defer, SD_EVENT_OFF);
        if (r < 0)
                return r;
        r = connection_set_priority(connection, server->priority);
        if (r < 0)
                return r;

        connection->server = server;
        connection->fd = fd;
        LIST_INSERT_HEAD(&server->connections, connection, entry);
        TAKE_PTR(connection);
        return 0;
}
