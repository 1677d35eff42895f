/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "basic/json.h"
#include "ipc/server.h"

/* The first byte chooses how the rest is sent: bits 0-2 in how many pieces, bit 3 whether each brings an fd,
 * bit 4 whether the client vanishes instead of waiting. */

#define ROUNDS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static VarlinkCall *held;

static int method_echo(VarlinkCall *call, json_object *parameters, void *userdata) {
        _cleanup_fd_ int fd = varlink_call_take_fd(call, 0);

        (void) varlink_call_notify(call, NULL);
        return varlink_call_reply(call, json_object_get(parameters), &fd, fd >= 0);
}

static int method_hold(VarlinkCall *call, json_object *parameters, void *userdata) {
        varlink_call_unref(held);
        held = varlink_call_ref(call);
        return 0;
}

static int method_fail(VarlinkCall *call, json_object *parameters, void *userdata) {
        const char *name = NULL;

        return json_get_string(parameters, "name", &name) < 0 ? -EIO
                                                              : varlink_call_invalid_parameter(call, name);
}

static const VarlinkMethod methods[] = {
        { "E", method_echo },
        { "H", method_hold },
        { "F", method_fail },
        { "M", method_echo, .needs_more = true },
        { "P", method_echo, .is_privileged = true },
        { "N", NULL },
};

static const VarlinkInterface interface = {
        .name = "a.b",
        .description = "interface a.b\n",
        .methods = methods,
        .n_methods = ELEMENTSOF(methods),
};

static void send_piece(int fd, const uint8_t *data, size_t size, bool with_fd) {
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(int))];
        } control = { .header = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
        struct iovec iov = { (void *) data, size };
        struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };

        *(int *) CMSG_DATA(&control.header) = fd;
        if (with_fd) {
                header.msg_control = &control;
                header.msg_controllen = sizeof(control);
        }
        (void) sendmsg(fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void run(sd_event *event, int fd) {
        char buffer[4096];

        for (unsigned i = 0; i < ROUNDS_MAX && sd_event_run(event, 0) > 0; i++)
                (void) recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
}

static void converse(sd_event *event, int fd, const uint8_t *data, size_t size) {
        uint8_t how = data[0];
        size_t n_pieces = 1 + (how & 7);

        data++, size--;
        for (size_t i = 0; i < n_pieces; i++) {
                size_t piece = i + 1 < n_pieces ? size / (n_pieces - i) : size;

                send_piece(fd, data, piece, how & 8);
                data += piece;
                size -= piece;
                if (!(how & 16))
                        run(event, fd);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(varlink_server_freep) VarlinkServer *server = NULL;
        _cleanup_fd_ int fd = -EBADF;
        static sd_event *event;
        int pair[2];

        if (size == 0)
                return 0;
        if (!event && sd_event_new(&event) < 0)
                abort();
        if (varlink_server_new(event, "fuzz", "0", &server) < 0 ||
                        varlink_server_add_interface(server, &interface, NULL) < 0 ||
                        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0 ||
                        varlink_server_take_connection_fd(server, pair[1]) < 0)
                abort();

        fd = pair[0];
        converse(event, fd, data, size);
        if (data[0] & 16)
                fd = fd_close(fd);
        run(event, fd);
        held = varlink_call_unref(held);
        run(event, fd);
        return 0;
}
