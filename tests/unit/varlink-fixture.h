/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A real server with one interface, and raw clients on real sockets, in one thread: the client writes,
 * pump() lets the server do all it can, the client reads. */

#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <string.h>
#include <sys/socket.h>

#include "basic/json.h"
#include "ipc/connection.h"
#include "ipc/varlink.h"
#include "unit.h"

#define IFACE "io.example.Test"

typedef struct Fixture {
        sd_event *event;
        VarlinkServer *server;
        VarlinkCall *held;  /* of Hold() */
        unsigned n_entered; /* of any method */
        unsigned n_gone;
} Fixture;

static inline void on_gone(VarlinkCall *call, void *userdata) {
        Fixture *f = userdata;

        ck_assert(!varlink_call_is_connected(call));
        f->n_gone++;
        f->held = varlink_call_unref(f->held);
}

/* Answers with its own parameters. */
static inline int method_echo(VarlinkCall *call, json_object *parameters, void *userdata) {
        ((Fixture *) userdata)->n_entered++;
        return varlink_call_reply(call, json_object_get(parameters), NULL, 0);
}

/* Keeps the call, to be answered by the test. */
static inline int method_hold(VarlinkCall *call, json_object *parameters, void *userdata) {
        Fixture *f = userdata;

        f->n_entered++;
        ck_assert_ptr_null(f->held);
        f->held = varlink_call_ref(call);
        varlink_call_on_gone(call, on_gone, f);
        return 0;
}

static inline int method_fail(VarlinkCall *call, json_object *parameters, void *userdata) {
        ((Fixture *) userdata)->n_entered++;
        return -ENOSPC;
}

/* Neither answers nor keeps the call. */
static inline int method_forget(VarlinkCall *call, json_object *parameters, void *userdata) {
        ((Fixture *) userdata)->n_entered++;
        return 0;
}

static inline int method_count(VarlinkCall *call, json_object *parameters, void *userdata) {
        uint64_t to = 0;

        ((Fixture *) userdata)->n_entered++;
        if (json_get_u64(parameters, "to", &to) < 0)
                return varlink_call_invalid_parameter(call, "to");
        for (uint64_t i = 0; i <= to; i++) {
                json_object *o = json_object_new_object();
                int r = json_add_u64(o, "n", i);

                ck_assert_int_eq(r, 0);
                r = i < to ? varlink_call_notify(call, o) : varlink_call_reply(call, o, NULL, 0);
                ck_assert_int_eq(r, 0);
        }
        return 0;
}

/* Gives back fd 0, twice. */
static inline int method_fd(VarlinkCall *call, json_object *parameters, void *userdata) {
        _cleanup_fd_ int fd = varlink_call_take_fd(call, 0);

        ((Fixture *) userdata)->n_entered++;
        if (fd < 0)
                return varlink_call_invalid_parameter(call, "fd");
        ck_assert_int_eq(varlink_call_take_fd(call, 0), -ENXIO);
        ck_assert_int_eq(varlink_call_take_fd(call, UINT64_MAX), -ENXIO);
        ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
        return varlink_call_reply(call, NULL, (int[]) { fd, fd }, 2);
}

/* Answers {"size": SIZE, "fill": "xxx…"}. */
static inline int method_big(VarlinkCall *call, json_object *parameters, void *userdata) {
        _cleanup_json_ json_object *o = json_object_new_object();
        _cleanup_free_ char *fill = NULL;
        uint64_t size = 0;

        ((Fixture *) userdata)->n_entered++;
        if (json_get_u64(parameters, "size", &size) < 0)
                return varlink_call_invalid_parameter(call, "size");
        fill = calloc(1, size + 1);
        memset(fill, 'x', size);
        ck_assert_int_eq(json_add_string(o, "fill", fill), 0);
        return varlink_call_reply(call, TAKE_PTR(o), NULL, 0);
}

static const VarlinkMethod test_methods[] = {
        { "Echo", method_echo },
        { "Hold", method_hold },
        { "Fail", method_fail },
        { "Forget", method_forget },
        { "Count", method_count, .needs_more = true },
        { "Fd", method_fd },
        { "Big", method_big },
        { "Secret", method_echo, .is_privileged = true },
        { "Later", NULL },
};

static const VarlinkInterface test_interface = {
        .name = IFACE,
        .description = "interface " IFACE
                       "\n\nmethod Echo() -> ()\n\nmethod Hold() -> ()\n\nmethod Fail() -> ()\n\n"
                       "method Forget() -> ()\n\n# [Requires 'more' flag]\nmethod Count(\n\tto: int\n) -> "
                       "(\n\tn: int\n)\n\n"
                       "method Fd() -> ()\n\nmethod Big(\n\tsize: int\n) -> (\n\tfill: string\n)\n\n"
                       "method Secret() -> ()\n\nmethod Later() -> ()\n",
        .methods = test_methods,
        .n_methods = ELEMENTSOF(test_methods),
};

static inline void fixture_done(Fixture *f) {
        varlink_server_free(f->server);
        varlink_call_unref(f->held);
        sd_event_unref(f->event);
}

static inline void fixture_init(Fixture *f) {
        *f = (Fixture) {};
        ck_assert_int_ge(sd_event_new(&f->event), 0);
        ck_assert_int_eq(varlink_server_new(f->event, "test", "1", &f->server), 0);
        ck_assert_int_eq(varlink_server_add_interface(f->server, &test_interface, f), 0);
}

/* All that the server can do now. It comes to rest: an event that fires for ever is a bug. */
static inline void pump(Fixture *f) {
        for (unsigned i = 0; sd_event_run(f->event, 0) > 0; i++)
                ck_assert_uint_lt(i, 100000);
}

static inline size_t count_connections(Fixture *f) {
        Connection *connection;
        size_t n = 0;

        LIST_FOREACH (connection, &f->server->connections, entry)
                n++;
        return n;
}

/* Lets time do it, up to 2 s. */
static inline bool wait_for_connections(Fixture *f, size_t n) {
        for (unsigned i = 0; i < 200 && count_connections(f) != n; i++)
                ck_assert_int_ge(sd_event_run(f->event, 10 * 1000), 0);
        return count_connections(f) == n;
}

/* The client's end of a new connection: non-blocking, so that no test can hang. */
static inline int raw_client(Fixture *f) {
        int pair[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
        ck_assert_int_eq(varlink_server_take_connection_fd(f->server, pair[1]), 0);
        return pair[0];
}

static inline void raw_send_bytes(int fd, const void *data, size_t size) {
        ck_assert_int_eq(send(fd, data, size, MSG_NOSIGNAL), (ssize_t) size);
}

/* With the NUL. */
static inline void raw_send(int fd, const char *text) {
        raw_send_bytes(fd, text, strlen(text) + 1);
}

static inline ssize_t raw_send_fds(int fd, const void *data, size_t size, const int *fds, size_t n) {
        alignas(struct cmsghdr) char control[CMSG_SPACE(64 * sizeof(int))] = {};
        struct iovec iov = { (void *) data, size };
        struct msghdr header = {
                .msg_iov = &iov,
                .msg_iovlen = 1,
                .msg_control = control,
                .msg_controllen = CMSG_SPACE(n * sizeof(int)),
        };
        struct cmsghdr *c = CMSG_FIRSTHDR(&header);

        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(n * sizeof(int));
        memcpy(CMSG_DATA(c), fds, n * sizeof(int));
        return sendmsg(fd, &header, MSG_NOSIGNAL);
}

/* All there is now, each NUL as a newline: compares well. Static, overwritten by the next one. */
static inline const char *raw_receive(int fd) {
        static char text[4096];
        ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

        if (n < 0)
                return errno == EAGAIN ? "(nothing)" : errno == ECONNRESET ? "(end)" : "(error)";
        if (n == 0)
                return "(end)";
        for (ssize_t i = 0; i < n; i++)
                text[i] = text[i] ?: '\n';
        text[n] = 0;
        return text;
}

static inline const char *raw_call(Fixture *f, int fd, const char *text) {
        raw_send(fd, text);
        pump(f);
        return raw_receive(fd);
}

static inline bool is_closed(int fd) {
        char c;
        ssize_t n = recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);

        return n == 0 || (n < 0 && errno != EAGAIN);
}

/* A client of ours, on a connection of the server's. */
static inline VarlinkClient *new_client(Fixture *f) {
        VarlinkClient *client = NULL;
        int pair[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        ck_assert_int_eq(fcntl(pair[1], F_SETFL, O_NONBLOCK), 0);
        ck_assert_int_eq(varlink_server_take_connection_fd(f->server, pair[1]), 0);
        ck_assert_int_eq(varlink_client_take_fd(pair[0], &client), 0);
        return client;
}
