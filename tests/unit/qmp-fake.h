/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A connection whose other end, QEMU's, the test plays by hand. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "basic/io.h"
#include "basic/json.h"
#include "unit.h"
#include "workload/qmp.h"

#define GREETING \
        "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7}}, " \
        "\"capabilities\": []}}\r\n"
#define TIMEOUT_USEC (30U * 1000 * 1000)

typedef struct Seen {
        Qmp *qmp;
        unsigned n_replies, n_events, n_closed;
        int error, closed_error;
        char message[256], event[64];
        bool frees;
} Seen;

static inline void on_reply(Qmp *qmp, int error, const char *message, json_object *value, void *userdata) {
        Seen *seen = userdata;

        ck_assert(qmp == seen->qmp);
        ck_assert((error == 0) == (message == NULL));
        seen->n_replies++;
        seen->error = error;
        snprintf(seen->message, sizeof(seen->message), "%s",
                        message ?: json_object_to_json_string_ext(value, 0));
        if (seen->frees)
                seen->qmp = qmp_free(seen->qmp);
}

static inline void on_event(Qmp *qmp, const char *event, json_object *data, void *userdata) {
        Seen *seen = userdata;

        seen->n_events++;
        snprintf(seen->event, sizeof(seen->event), "%s", event);
        if (seen->frees)
                seen->qmp = qmp_free(seen->qmp);
}

static inline void on_closed(Qmp *qmp, int error, void *userdata) {
        Seen *seen = userdata;

        seen->n_closed++;
        seen->closed_error = error;
        if (seen->frees)
                seen->qmp = qmp_free(seen->qmp);
}

/* The loop, and QEMU's end of the connection played by hand. */
typedef struct Fake {
        sd_event *event;
        int fd;
        Seen seen;
} Fake;

static inline void fake_done(Fake *f) {
        qmp_free(f->seen.qmp);
        fd_close(f->fd);
        sd_event_unref(f->event);
}
#define FAKE(f) _cleanup_(fake_done) Fake f = fake_new()

static inline Fake fake_new(void) {
        Fake f = {};

        ck_assert_int_ge(sd_event_new(&f.event), 0);
        return f;
}

static inline void fake_connect(Fake *f) {
        int fds[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        f->fd = fds[1];
        ck_assert_int_eq(qmp_new(f->event, fds[0], on_event, on_closed, &f->seen, &f->seen.qmp), 0);
        ck_assert_int_ge(qmp_set_priority(f->seen.qmp, -10), 0);
}

static inline void fake_settle(Fake *f) {
        while (sd_event_run(f->event, 0) > 0)
                ;
}

static inline void fake_say(Fake *f, const char *text) {
        ck_assert_int_eq(write_full(f->fd, text, strlen(text)), 0);
        fake_settle(f);
}

/* The next command as JSON, NULL if there is none; *ret_fd is what came with it. */
static inline json_object *fake_hear(Fake *f, int *ret_fd) {
        char control[CMSG_SPACE(sizeof(int))], text[4096];
        struct iovec iov = { text, 1 };
        struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
        json_object *o = NULL;
        size_t n = 0;
        int fd = -EBADF;

        fake_settle(f);
        for (;; n++) {
                struct cmsghdr *header;

                iov.iov_base = text + n;
                message.msg_control = control;
                message.msg_controllen = sizeof(control);
                if (recvmsg(f->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != 1)
                        return NULL;
                header = CMSG_FIRSTHDR(&message);
                if (header)
                        memcpy(&fd, CMSG_DATA(header), sizeof(fd));
                if (text[n] == '\n')
                        break;
        }
        ck_assert_int_eq(json_parse_object(text, n, &o), 0);
        if (ret_fd)
                *ret_fd = fd;
        else
                fd_close(fd);
        return o;
}

static inline void fake_answer(Fake *f, json_object *command, const char *member) {
        char text[512];
        const char *id;

        ck_assert_int_eq(json_get_string(command, "id", &id), 0);
        snprintf(text, sizeof(text), "{\"id\":\"%s\",%s}\r\n", id, member);
        fake_say(f, text);
}

static inline void fake_expect(Fake *f, const char *name, const char *member) {
        _cleanup_json_ json_object *command = fake_hear(f, NULL);
        const char *execute;

        ck_assert_ptr_nonnull(command);
        ck_assert_int_eq(json_get_string(command, "execute", &execute), 0);
        ck_assert_str_eq(execute, name);
        if (member)
                fake_answer(f, command, member);
}

static inline void fake_ready(Fake *f) {
        fake_connect(f);
        fake_say(f, GREETING);
        fake_expect(f, "qmp_capabilities", "\"return\":{}");
}

static inline int execute(Fake *f, const char *name, int fd) {
        return qmp_execute(f->seen.qmp, name, NULL, fd, TIMEOUT_USEC, on_reply, &f->seen);
}

/* Runs the loop until the counter has the value; the test's own time limit ends what never comes. */
#define WAIT_FOR(f, counter, value) \
        while ((f)->seen.counter < (value)) \
        ck_assert_int_ge(sd_event_run((f)->event, UINT64_MAX), 0)

/* The callbacks of these tests free the connection when told to. */
static inline void fake_freed_once(Fake *f) {
        while (f->seen.qmp)
                ck_assert_int_ge(sd_event_run(f->event, UINT64_MAX), 0);
        fake_settle(f);
        ck_assert_uint_eq(f->seen.n_replies + f->seen.n_events + f->seen.n_closed, 1);
}
