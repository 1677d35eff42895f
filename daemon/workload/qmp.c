/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* QMP is a JSON object a line. QEMU greets, we negotiate (nothing), and from then on commands are answered
 * in order, with events in between. A daemon that was restarted takes over a connection that will not greet
 * again, and on which answers to its predecessor are still to come: so every connection starts its ids anew
 * at random, and strangers' answers are passed over.
 *
 * Any callback may free the connection. Whoever goes on working after one holds a reference and looks at fd,
 * which is gone when the connection is over. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "workload/qmp-internal.h"

#define QMP_READ_BYTES 16384U
#define QMP_GREETING_USEC (1U * 1000 * 1000)

Qmp *qmp_ref(Qmp *q) {
        q->n_refs++;
        return q;
}

void qmp_unref(Qmp *q) {
        if (--q->n_refs > 0)
                return;
        sd_event_unref(q->event);
        free(q->input);
        free(q);
}

static void qmp_stop(Qmp *q) {
        q->io = sd_event_source_disable_unref(q->io);
        q->greeting_timer = sd_event_source_disable_unref(q->greeting_timer);
        q->fd = fd_close(q->fd);
}

static void qmp_close(Qmp *q, int error) {
        const char *message = error == -EBADMSG ? "QEMU spoke no valid QMP" : "the connection to QEMU ended";
        QmpCommand *head;

        if (q->fd < 0)
                return;
        qmp_stop(q);

        while ((head = qmp_pop(q))) {
                _cleanup_(qmp_command_freep) QmpCommand *c = head;

                if (c->func)
                        c->func(q, error, message, NULL, c->userdata);
        }
        if (q->on_closed && !q->is_freed)
                q->on_closed(q, error, q->userdata);
}

static int qmp_dispatch_input(Qmp *q) {
        size_t begin = 0;

        while (q->fd >= 0) {
                char *line = q->input + begin, *end = memchr(line, '\n', q->input_size - begin);
                int r;

                if (!end)
                        break;
                begin += (size_t) (end - line) + 1;
                r = qmp_dispatch_line(q, line, (size_t) (end - line));
                if (r < 0)
                        return r;
        }

        q->input_size -= begin;
        memmove(q->input, q->input + begin, q->input_size);
        return q->input_size >= QMP_LINE_BYTES_MAX ? -EBADMSG : 0;
}

static int qmp_read(Qmp *q) {
        ssize_t n;

        if (q->input_allocated - q->input_size < QMP_READ_BYTES) {
                size_t more = (q->input_size + QMP_READ_BYTES) * 2;
                char *p = realloc(q->input, more);

                if (!p)
                        return -ENOMEM;
                q->input = p;
                q->input_allocated = more;
        }

        n = recv(q->fd, q->input + q->input_size, QMP_READ_BYTES, MSG_DONTWAIT);
        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -ECONNRESET;
        if (n == 0)
                return -ECONNRESET;

        /* A long line comes in many pieces: look for its end in the new one only. */
        q->input_size += (size_t) n;
        if (!memchr(q->input + q->input_size - n, '\n', (size_t) n))
                return q->input_size >= QMP_LINE_BYTES_MAX ? -EBADMSG : 0;
        return qmp_dispatch_input(q);
}

static int qmp_write(Qmp *q) {
        QmpCommand *c;
        int r;

        while ((c = qmp_next_output(q))) {
                r = qmp_command_send(c, q->fd);
                if (r == 0)
                        break;
                /* QEMU is gone, but its last words may wait. Reading them leads to the end. */
                if (r == -EPIPE || r == -ECONNRESET)
                        q->is_output_broken = true;
                else if (r < 0)
                        return r;
        }
        return qmp_watch_output(q);
}

void qmp_process(Qmp *q) {
        int r;

        if (q->fd < 0)
                return;
        r = qmp_read(q);
        if (r >= 0 && q->fd >= 0)
                r = qmp_write(q);
        if (r < 0)
                qmp_close(q, r);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        _cleanup_(qmp_unrefp) Qmp *q = qmp_ref(userdata);

        qmp_process(q);
        return 0;
}

static int on_greeting_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
        _cleanup_(qmp_unrefp) Qmp *q = qmp_ref(userdata);
        int r = qmp_negotiate(q, "qmp_capabilities");

        if (r >= 0)
                r = qmp_watch_output(q);
        if (r < 0)
                qmp_close(q, r);
        return 0;
}

int qmp_new(sd_event *event, int fd, QmpEventFunc on_event, QmpClosedFunc on_closed, void *userdata,
                Qmp **ret) {
        _cleanup_(qmp_freep) Qmp *q = NULL;
        uint64_t nonce;
        int r;

        q = calloc(1, sizeof(*q));
        if (!q) {
                fd_close(fd);
                return -ENOMEM;
        }
        q->n_refs = 1;
        q->fd = fd;
        q->event = sd_event_ref(event);
        q->on_event = on_event;
        q->on_closed = on_closed;
        q->userdata = userdata;

        if (getrandom(&nonce, sizeof(nonce), 0) != sizeof(nonce))
                return -EIO;
        snprintf(q->id_prefix, sizeof(q->id_prefix), "%016" PRIx64 "-", nonce);

        r = sd_event_add_io(event, &q->io, fd, EPOLLIN, on_io, q);
        if (r < 0)
                return r;
        r = qmp_add_timer(q, on_greeting_timeout, QMP_GREETING_USEC, q, &q->greeting_timer);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(q);
        return 0;
}

int qmp_take_over(sd_event *event, int fd, QmpEventFunc on_event, QmpClosedFunc on_closed, void *userdata,
                Qmp **ret) {
        _cleanup_(qmp_freep) Qmp *q = NULL;
        int r;

        r = qmp_new(event, fd, on_event, on_closed, userdata, &q);
        if (r < 0)
                return r;
        r = qmp_negotiate(q, "qmp_capabilities");
        if (r >= 0)
                r = qmp_watch_output(q);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(q);
        return 0;
}

Qmp *qmp_free(Qmp *q) {
        QmpCommand *c;

        if (!q)
                return NULL;
        qmp_stop(q);
        q->is_freed = true;
        while ((c = qmp_pop(q)))
                qmp_command_free(c);
        qmp_unref(q);
        return NULL;
}

int qmp_set_priority(Qmp *q, int64_t priority) {
        int r;

        if (q->fd < 0)
                return -ENOTCONN;
        r = sd_event_source_set_priority(q->io, priority);
        if (r >= 0 && q->greeting_timer)
                r = sd_event_source_set_priority(q->greeting_timer, priority);
        for (QmpCommand *c = q->commands; r >= 0 && c; c = c->next)
                if (c->timer)
                        r = sd_event_source_set_priority(c->timer, priority);
        if (r < 0)
                return r;
        q->priority = priority;
        return 0;
}

uint32_t qmp_version(Qmp *q) {
        return q->version;
}
