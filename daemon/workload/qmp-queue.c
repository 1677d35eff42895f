/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The commands of a connection: one list, oldest first, of those sent and not answered, then of those not
 * sent. One that timed out after it was sent stays, without a func, until its late answer has come. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "basic/json.h"
#include "workload/qmp-internal.h"

#define QMP_COMMANDS_MAX 64U
#define QMP_ACCURACY_USEC 1000U

QmpCommand *qmp_pop(Qmp *q) {
        QmpCommand *c = q->commands;

        if (c) {
                q->commands = c->next;
                q->n_commands--;
        }
        return c;
}

/* The command to write to, if any may be written now. QEMU keeps only the last fd it received until a
 * command asks for it (chardev/char-socket.c:tcp_chr_recv()), so one that carries a fd waits for the answer
 * to the one before. */
QmpCommand *qmp_next_output(Qmp *q) {
        bool is_fd_pending = false;
        QmpCommand *c;

        for (c = q->commands; c && qmp_command_is_sent(c); c = c->next)
                is_fd_pending = is_fd_pending || c->has_fd;

        if (!c || q->is_output_broken)
                return NULL;
        if (q->state != QMP_READY && !c->is_negotiation)
                return NULL;
        return c->has_fd && is_fd_pending ? NULL : c;
}

int qmp_watch_output(Qmp *q) {
        return sd_event_source_set_io_events(q->io, EPOLLIN | (qmp_next_output(q) ? EPOLLOUT : 0));
}

static int qmp_make_command(Qmp *q, const char *name, json_object *arguments, int fd, QmpCommand **ret) {
        char id[sizeof(q->id_prefix) + 20];

        snprintf(id, sizeof(id), "%s%" PRIu64, q->id_prefix, ++q->last_number);
        return qmp_command_new(q, name, id, arguments, fd, ret);
}

int qmp_negotiate(Qmp *q, const char *command) {
        QmpCommand *c;
        int r;

        r = qmp_make_command(q, command, NULL, -EBADF, &c);
        if (r < 0)
                return r;
        c->is_negotiation = true;
        c->next = q->commands;
        q->commands = c;
        q->n_commands++;
        q->state = QMP_NEGOTIATING;
        q->greeting_timer = sd_event_source_disable_unref(q->greeting_timer);
        return 0;
}

int qmp_add_timer(Qmp *q, sd_event_time_handler_t handler, uint64_t usec, void *userdata,
                sd_event_source **ret) {
        _cleanup_(sd_event_source_unrefp) sd_event_source *s = NULL;
        int r;

        r = sd_event_add_time_relative(
                        q->event, &s, CLOCK_MONOTONIC, usec, QMP_ACCURACY_USEC, handler, userdata);
        if (r < 0)
                return r;
        r = sd_event_source_set_priority(s, q->priority);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}

/* What was not sent is never sent, what was stays until its late answer. */
static void qmp_expire(Qmp *q, QmpCommand **link) {
        QmpCommand *c = *link;
        QmpReplyFunc func = TAKE_PTR(c->func);
        void *userdata = c->userdata;
        char message[128];

        snprintf(message, sizeof(message), "QEMU did not answer %s in time", c->name);
        if (c->sent == 0) {
                *link = c->next;
                q->n_commands--;
                qmp_command_free(c);
        }
        if (func)
                func(q, -ETIMEDOUT, message, NULL, userdata);
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
        QmpCommand *c = userdata;
        _cleanup_(qmp_unrefp) Qmp *q = qmp_ref(c->qmp);

        /* It may have been us who did not look: where the loop was held up, the answer is waiting. */
        qmp_process(q);
        for (QmpCommand **link = &q->commands; *link; link = &(*link)->next)
                if ((*link)->timer == source) {
                        qmp_expire(q, link);
                        break;
                }
        return 0;
}

int qmp_execute(Qmp *q, const char *command, json_object *arguments, int fd, uint64_t timeout_usec,
                QmpReplyFunc func, void *userdata) {
        _cleanup_json_ json_object *args = arguments;
        _cleanup_(qmp_command_freep) QmpCommand *c = NULL;
        QmpCommand **tail = &q->commands;
        int r;

        if (q->fd < 0)
                return -ENOTCONN;
        if (q->n_commands >= QMP_COMMANDS_MAX)
                return -ENOBUFS;

        r = qmp_make_command(q, command, TAKE_PTR(args), fd, &c);
        if (r < 0)
                return r;
        c->func = func;
        c->userdata = userdata;
        if (timeout_usec != UINT64_MAX) {
                r = qmp_add_timer(q, on_timeout, timeout_usec, c, &c->timer);
                if (r < 0)
                        return r;
        }

        while (*tail)
                tail = &(*tail)->next;
        *tail = c;
        r = qmp_watch_output(q);
        if (r < 0) {
                *tail = NULL;
                return r;
        }
        q->n_commands++;
        TAKE_PTR(c);
        return 0;
}
