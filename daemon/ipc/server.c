/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/log.h"
#include "ipc/connection.h"
#include "ipc/listener.h"
#include "ipc/server.h"
#include "ipc/service.h"

int varlink_server_new(sd_event *event, const char *product, const char *version, VarlinkServer **ret) {
        _cleanup_(varlink_server_freep) VarlinkServer *server = NULL;
        int r;

        server = calloc(1, sizeof(*server));
        if (!server)
                return -ENOMEM;
        server->event = sd_event_ref(event);
        server->request_usec = VARLINK_REQUEST_USEC;
        LIST_INIT(&server->listeners);
        LIST_INIT(&server->connections);

        server->product = strdup(product);
        server->version = strdup(version);
        if (!server->product || !server->version)
                return -ENOMEM;
        r = varlink_server_add_interface(server, &service_interface, server);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(server);
        return 0;
}

VarlinkServer *varlink_server_free(VarlinkServer *server) {
        if (!server)
                return NULL;

        while (!LIST_EMPTY(&server->listeners))
                listener_free(LIST_FIRST(&server->listeners));
        while (!LIST_EMPTY(&server->connections))
                connection_free(LIST_FIRST(&server->connections));
        free(server->registrations);
        free(server->product);
        free(server->version);
        sd_event_unref(server->event);
        free(server);
        return NULL;
}

int varlink_server_add_interface(VarlinkServer *server, const VarlinkInterface *interface, void *userdata) {
        Registration *registrations;

        if (!interface->name || !interface->description)
                return -EINVAL;
        if (server_find_interface(server, interface->name, strlen(interface->name)))
                return -EEXIST;

        registrations = reallocarray(
                        server->registrations, server->n_registrations + 1, sizeof(Registration));
        if (!registrations)
                return -ENOMEM;
        registrations[server->n_registrations++] = (Registration) { interface, userdata };
        server->registrations = registrations;
        return 0;
}

int varlink_server_set_priority(VarlinkServer *server, int64_t priority) {
        Connection *connection;
        Listener *listener;
        int r;

        LIST_FOREACH (listener, &server->listeners, entry) {
                r = listener_set_priority(listener, priority);
                if (r < 0)
                        return r;
        }
        LIST_FOREACH (connection, &server->connections, entry) {
                r = connection_set_priority(connection, priority);
                if (r < 0)
                        return r;
        }
        server->priority = priority;
        return 0;
}

void varlink_server_set_accepting(VarlinkServer *server, bool is_accepting) {
        Listener *listener;

        server->is_holding = !is_accepting;
        LIST_FOREACH (listener, &server->listeners, entry) {
                int r = listener_set_accepting(listener);

                if (r < 0)
                        log_error_errno(r, "Cannot %s varlink connections: %m", is_accepting ? "accept" : "hold back");
        }
}

void server_set_request_usec(VarlinkServer *server, uint64_t usec) {
        server->request_usec = usec;
}

const Registration *server_find_interface(const VarlinkServer *server, const char *name, size_t length) {
        for (size_t i = 0; i < server->n_registrations; i++) {
                const Registration *registration = server->registrations + i;

                if (strlen(registration->interface->name) == length &&
                                memcmp(registration->interface->name, name, length) == 0)
                        return registration;
        }
        return NULL;
}

static bool server_admits(VarlinkServer *server, uid_t uid) {
        size_t n = 0, n_root = 0, n_same = 0;
        Connection *connection;

        LIST_FOREACH (connection, &server->connections, entry) {
                n++;
                n_root += connection->peer.uid == 0;
                n_same += connection->peer.uid == uid;
        }

        if (n >= VARLINK_CONNECTIONS_MAX || n_same >= VARLINK_CONNECTIONS_PER_UID_MAX)
                return false;
        return uid == 0 || n - n_root < VARLINK_CONNECTIONS_MAX - SERVER_CONNECTIONS_ROOT;
}

bool varlink_server_has_connections(const VarlinkServer *server) {
        return !LIST_EMPTY(&server->connections);
}

int varlink_server_take_connection_fd(VarlinkServer *server, int fd) {
        struct ucred peer;
        socklen_t size = sizeof(peer);

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
                return -errno;
        if (!server_admits(server, peer.uid))
                return log_debug_errno(-EUSERS, "Too many varlink connections, refusing uid %u", peer.uid);

        return connection_new(server, fd, &peer);
}
