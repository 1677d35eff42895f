/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The server's inside, for this folder and its tests. */

#include <sys/queue.h>

#include "ipc/varlink.h"

typedef struct Connection Connection;
typedef struct Listener Listener;

/* Of the connections allowed, so many are kept back for uid 0: others cannot lock the operator out. */
#define SERVER_CONNECTIONS_ROOT 16U

typedef struct Registration {
        const VarlinkInterface *interface;
        void *userdata;
} Registration;

struct VarlinkServer {
        sd_event *event;
        char *product, *version;
        int64_t priority;
        uint64_t request_usec;
        bool is_holding; /* whoever connects */
        Registration *registrations;
        size_t n_registrations;
        LIST_HEAD(, Listener) listeners;
        LIST_HEAD(, Connection) connections;
};

/* NULL if there is no interface of that name, which is `length` bytes long. */
const Registration *server_find_interface(const VarlinkServer *server, const char *name, size_t length);

/* In place of VARLINK_REQUEST_USEC, for connections still to come. */
void server_set_request_usec(VarlinkServer *server, uint64_t usec);
