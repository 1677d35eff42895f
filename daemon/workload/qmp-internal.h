/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The connection's inside. Private to qmp.c (its life, input and output), qmp-queue.c (what we say) and
 * qmp-message.c (what QEMU says). */

#include "workload/qmp-command.h"

typedef enum QmpState {
        QMP_GREETING,
        QMP_NEGOTIATING,
        QMP_READY,
} QmpState;

struct Qmp {
        unsigned n_refs;
        QmpState state;
        int fd;
        bool is_output_broken;
        bool has_heard; /* a whole line */
        bool is_freed;

        sd_event *event;
        sd_event_source *io;
        sd_event_source *greeting_timer;
        int64_t priority;

        QmpEventFunc on_event;
        QmpClosedFunc on_closed;
        void *userdata;

        uint32_t version;
        char id_prefix[20];
        uint64_t last_number;
        QmpCommand *commands;
        size_t n_commands;

        char *input;
        size_t input_size;
        size_t input_allocated;
};

/* Holding a reference keeps the memory, nothing else. */
Qmp *qmp_ref(Qmp *q);
void qmp_unref(Qmp *q);
DEFINE_CLEANUP(Qmp *, qmp_unref)

/* Reads and writes what can be, and closes the connection on an error. The caller holds a reference. */
void qmp_process(Qmp *q);

/* The oldest command, taken off the list. */
QmpCommand *qmp_pop(Qmp *q);

/* The command to write to now, if any. */
QmpCommand *qmp_next_output(Qmp *q);
int qmp_watch_output(Qmp *q);

int qmp_add_timer(Qmp *q, sd_event_time_handler_t handler, uint64_t usec, void *userdata,
                sd_event_source **ret);

/* Puts qmp_capabilities, then query-version where no greeting told it, before everything else. */
int qmp_negotiate(Qmp *q, const char *command);

/* One line of QEMU's, without its newline. Negative errno: the connection is to be closed. The caller holds
 * a reference. */
int qmp_dispatch_line(Qmp *q, const char *text, size_t size);
