/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "basic/clock.h"
#include "basic/json.h"
#include "ipc/wire.h"

struct VarlinkClient {
        int fd;
        WireInput input;
        uint64_t deadline_usec; /* CLOCK_MONOTONIC; 0: none */
};

VarlinkClient *varlink_client_free(VarlinkClient *client) {
        if (!client)
                return NULL;

        wire_input_done(&client->input);
        fd_close(client->fd);
        free(client);
        return NULL;
}

int varlink_client_take_fd(int fd, VarlinkClient **ret) {
        VarlinkClient *client;

        if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
                return -errno;
        client = calloc(1, sizeof(*client));
        if (!client)
                return -ENOMEM;

        client->fd = fd;
        *ret = client;
        return 0;
}

int varlink_client_connect(const char *path, VarlinkClient **ret) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_fd_ int fd = -EBADF;
        int r;

        if (strlen(path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        memcpy(address.sun_path, path, strlen(path));

        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        do
                r = connect(fd, (const struct sockaddr *) &address, sizeof(address));
        while (r < 0 && errno == EINTR);
        if (r < 0)
                return -errno;

        r = varlink_client_take_fd(fd, ret);
        if (r < 0)
                return r;
        TAKE_FD(fd);
        return 0;
}

int varlink_client_send(VarlinkClient *client, const char *method, json_object *parameters, bool more,
                const int *fds, size_t n_fds) {
        _cleanup_json_ json_object *message = json_object_new_object();
        _cleanup_(wire_output_done) WireOutput output = {};
        int r;

        if (!message) {
                json_object_put(parameters);
                return -ENOMEM;
        }
        if (json_add(message, "parameters", parameters ?: json_object_new_object()) < 0)
                return -ENOMEM;
        if (json_add_string(message, "method", method) < 0 ||
                        (more && json_add_bool(message, "more", true) < 0))
                return -ENOMEM;

        r = wire_output_push(&output, message, fds, n_fds);
        if (r < 0)
                return r;
        r = wire_output_flush(&output, client->fd);
        if (r == -EPIPE)
                return -ECONNRESET;
        if (r == 0)
                return -EAGAIN;
        return r < 0 ? r : 0;
}

void varlink_client_set_timeout(VarlinkClient *client, uint64_t timeout_usec) {
        client->deadline_usec = now_usec(CLOCK_MONOTONIC) + timeout_usec;
}

static int wait_for_input(const VarlinkClient *client) {
        struct pollfd poll_fd = { .fd = client->fd, .events = POLLIN };
        int n;

        if (client->deadline_usec == 0)
                return 0;
        do {
                uint64_t now = now_usec(CLOCK_MONOTONIC);
                uint64_t left = client->deadline_usec > now ? client->deadline_usec - now : 0;
                struct timespec timeout = { (time_t) (left / 1000000), (long) (left % 1000000 * 1000) };

                n = ppoll(&poll_fd, 1, &timeout, NULL);
        } while (n < 0 && errno == EINTR);
        return n < 0 ? -errno : n == 0 ? -ETIMEDOUT : 0;
}

/* What is borrowed from `message` is owned by `ret` when it answers 0. */
static int reply_parse(json_object *message, VarlinkReply *ret) {
        _cleanup_json_ json_object *parameters = NULL;
        const char *error = NULL;
        bool continues = false;
        json_object *given;
        int r;

        r = json_get_string(message, "error", &error);
        if (r < 0 && r != -ENOENT)
                return r;
        r = json_get_bool(message, "continues", &continues);
        if (r < 0 && r != -ENOENT)
                return r;
        r = json_get_object(message, "parameters", &given);
        if (r < 0 && r != -ENOENT)
                return r;
        parameters = r < 0 ? json_object_new_object() : json_object_get(given);
        if (!parameters)
                return -ENOMEM;

        *ret = (VarlinkReply) { .continues = continues };
        if (error) {
                ret->error = strdup(error);
                if (!ret->error)
                        return -ENOMEM;
        }
        ret->parameters = TAKE_PTR(parameters);
        return 0;
}

int varlink_client_receive(VarlinkClient *client, VarlinkReply *ret) {
        _cleanup_json_ json_object *message = NULL;
        _cleanup_(wire_fds_done) WireFds fds = {};
        VarlinkReply reply;
        int r;

        while (wire_input_message_size(&client->input) == 0) {
                r = wait_for_input(client);
                if (r < 0)
                        return r;
                r = wire_input_receive(&client->input, client->fd);
                if (r == 0)
                        return -ECONNRESET;
                if (r < 0)
                        return r == -EMSGSIZE ? -EBADMSG : r;
        }

        r = wire_input_take(&client->input, &message, &fds);
        if (r < 0)
                return r == -EMSGSIZE ? -EBADMSG : r;
        r = reply_parse(message, &reply);
        if (r < 0)
                return r;

        memcpy(reply.fds, fds.fds, sizeof(reply.fds));
        reply.n_fds = TAKE(fds.n, 0);
        *ret = reply;
        return 0;
}

void varlink_reply_done(VarlinkReply *reply) {
        for (size_t i = 0; i < reply->n_fds; i++)
                fd_close(reply->fds[i]);
        json_object_put(reply->parameters);
        free(reply->error);
        *reply = (VarlinkReply) {};
}
