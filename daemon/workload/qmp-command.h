/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One command on its way to QEMU. Private to qmp.c. */

#include "workload/qmp.h"

typedef struct QmpCommand QmpCommand;

struct QmpCommand {
        QmpCommand *next;
        Qmp *qmp; /* borrowed */

        const char *name; /* inside of text */
        const char *id;
        char *text;
        size_t size;
        size_t sent;
        int fd; /* own; closed once it is on its way */
        bool has_fd;
        bool is_negotiation;

        sd_event_source *timer;
        QmpReplyFunc func;
        void *userdata;
};

/* `arguments` is consumed, may be NULL; `fd` is duplicated, unless negative. -E2BIG beyond
 * QMP_LINE_BYTES_MAX. */
int qmp_command_new(Qmp *qmp, const char *name, const char *id, json_object *arguments, int fd,
                QmpCommand **ret);
QmpCommand *qmp_command_free(QmpCommand *c);
DEFINE_CLEANUP(QmpCommand *, qmp_command_free)

static inline bool qmp_command_is_sent(const QmpCommand *c) {
        return c->sent == c->size;
}

/* 1 when all of it is sent, 0 when the socket is full, negative errno. */
int qmp_command_send(QmpCommand *c, int socket_fd);
