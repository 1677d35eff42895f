/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A listening socket. One that we bound takes its file with it. */

#include <sys/stat.h>

#include "ipc/server.h"

struct Listener {
        VarlinkServer *server;
        LIST_ENTRY(Listener) entry;
        int fd;
        sd_event_source *io, *retry;
        char *path; /* NULL if not ours */
        struct stat bound;
};

Listener *listener_free(Listener *listener);
DEFINE_CLEANUP(Listener *, listener_free)

/* As its server says, see varlink_server_set_accepting(). */
int listener_set_accepting(Listener *listener);
int listener_set_priority(Listener *listener, int64_t priority);
