/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The bytes are what QEMU says. A byte 1 stands for the id of the command heard last, so that answers can be
 * hit; the first byte of the input chooses which callback frees the connection. */

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "basic/cleanup.h"
#include "workload/qmp.h"

typedef struct Fuzz {
        Qmp *qmp;
        sd_event *event;
        int fd;
        unsigned frees, n_closed;
        char id[64];
} Fuzz;

static void maybe_free(Fuzz *f) {
        if (f->frees > 0 && --f->frees == 0)
                f->qmp = qmp_free(f->qmp);
}

static void on_reply(Qmp *qmp, int error, const char *message, json_object *value, void *userdata) {
        assert(!error == !message);
        (void) qmp_execute(qmp, "query-migrate", NULL, error == -EREMOTEIO ? 0 : -EBADF, 1000000, on_reply,
                        userdata);
        maybe_free(userdata);
}

static void on_event(Qmp *qmp, const char *event, json_object *data, void *userdata) {
        assert(event);
        maybe_free(userdata);
}

static void on_closed(Qmp *qmp, int error, void *userdata) {
        Fuzz *f = userdata;

        assert(error < 0 && f->n_closed++ == 0);
        maybe_free(f);
}

static void listen_for_id(Fuzz *f) {
        char text[4096], *id = NULL;
        ssize_t n;

        while (sd_event_run(f->event, 0) > 0)
                ;
        n = recv(f->fd, text, sizeof(text) - 1, MSG_DONTWAIT);
        if (n <= 0)
                return;
        text[n] = 0;
        for (char *p = text; (p = strstr(p, "\"id\":\"")); p++)
                id = p + strlen("\"id\":\"");
        if (id)
                snprintf(f->id, sizeof(f->id), "%.*s", (int) strcspn(id, "\""), id);
}

static void say(Fuzz *f, const uint8_t *data, size_t size) {
        for (size_t i = 0; i < size; i++) {
                if (data[i] == 1)
                        (void) send(f->fd, f->id, strlen(f->id), MSG_DONTWAIT | MSG_NOSIGNAL);
                else
                        (void) send(f->fd, data + i, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
                if (data[i] == '\n' || i % 64 == 63)
                        listen_for_id(f);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Fuzz f = {};
        int fds[2];

        if (size < 1)
                return 0;
        f.frees = data[0] % 16;
        assert(sd_event_new(&f.event) >= 0);
        assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
        f.fd = fds[1];
        assert(qmp_new(f.event, fds[0], on_event, on_closed, &f, &f.qmp) == 0);
        for (unsigned i = 0; i < 3; i++)
                assert(qmp_execute(f.qmp, "query-status", NULL, -EBADF, 1000000, on_reply, &f) == 0);

        say(&f, data + 1, size - 1);
        listen_for_id(&f);
        fd_close(f.fd);
        while (sd_event_run(f.event, 0) > 0)
                ;
        assert(!f.qmp || f.n_closed == 1);
        qmp_free(f.qmp);
        sd_event_unref(f.event);
        return 0;
}
