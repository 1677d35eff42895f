/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "basic/json.h"
#include "ipc/wire.h"

/* Which message do received fds belong to? The kernel ends a recvmsg() in the buffer that carried fds, but
 * may have filled in earlier bytes without fds before it (net/unix/af_unix.c, unix_stream_read_generic()).
 * So the last byte received is surely of the sendmsg() that sent them, the first one is not. Senders give a
 * message with fds the end of a sendmsg() of its own: the fds go to the message that holds the last byte. */

#define WIRE_CHUNK_BYTES (16U * 1024)

typedef union WireControl {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int) * VARLINK_FDS_MAX)];
} WireControl;

struct WireMessage {
        WireMessage *next;
        WireFds fds;
        size_t size, sent;
        char data[];
};

void wire_fds_done(WireFds *fds) {
        for (size_t i = 0; i < fds->n; i++)
                fd_close(fds->fds[i]);
        fds->n = 0;
}

void wire_input_done(WireInput *input) {
        for (size_t i = 0; i < input->n_fds; i++)
                fd_close(input->fds[i].fd);
        free(input->data);
        *input = (WireInput) {};
}

static int wire_input_reserve(WireInput *input, size_t *ret_room) {
        size_t room = VARLINK_MESSAGE_BYTES_MAX - input->size, wanted;
        char *data;

        if (room == 0)
                return -EMSGSIZE;
        if (input->allocated == input->size) {
                wanted = input->size < WIRE_CHUNK_BYTES ? WIRE_CHUNK_BYTES : 2 * input->size;
                if (wanted > VARLINK_MESSAGE_BYTES_MAX)
                        wanted = VARLINK_MESSAGE_BYTES_MAX;
                data = realloc(input->data, wanted);
                if (!data)
                        return -ENOMEM;
                input->data = data;
                input->allocated = wanted;
        }

        *ret_room = input->allocated - input->size;
        return 0;
}

static int wire_input_add_fd(WireInput *input, int fd, size_t position) {
        if (input->n_fds == ELEMENTSOF(input->fds)) {
                fd_close(fd);
                return -EMSGSIZE;
        }
        input->fds[input->n_fds].fd = fd;
        input->fds[input->n_fds++].position = position;
        return 0;
}

static int wire_input_add_control(WireInput *input, struct msghdr *header, size_t position) {
        int r = 0;

        for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
                if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
                        continue;
                for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
                        int fd, q;

                        memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
                        q = wire_input_add_fd(input, fd, position);
                        if (q < 0)
                                r = q;
                }
        }

        /* Some fds are lost for good, and nobody can say whose. */
        return header->msg_flags & MSG_CTRUNC ? -EMSGSIZE : r;
}

int wire_input_receive(WireInput *input, int socket_fd) {
        WireControl control;
        struct iovec iov;
        struct msghdr header = {
                .msg_iov = &iov,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control),
        };
        size_t room;
        ssize_t n;
        int r;

        r = wire_input_reserve(input, &room);
        if (r < 0)
                return r;

        iov = (struct iovec) { input->data + input->size, room };
        do
                n = recvmsg(socket_fd, &header, MSG_CMSG_CLOEXEC);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        if (n == 0)
                return 0;

        input->size += (size_t) n;
        r = wire_input_add_control(input, &header, input->size - 1);
        return r < 0 ? r : 1;
}

size_t wire_input_message_size(WireInput *input) {
        const char *nul = NULL;

        if (input->scanned < input->size)
                nul = memchr(input->data + input->scanned, 0, input->size - input->scanned);
        input->scanned = nul ? (size_t) (nul - input->data) : input->size;
        return nul ? input->scanned + 1 : 0;
}

static void wire_input_split_fds(WireInput *input, size_t size, WireFds *ret, bool *ret_surplus) {
        size_t n_left = 0;

        ret->n = 0;
        *ret_surplus = false;
        for (size_t i = 0; i < input->n_fds; i++)
                if (input->fds[i].position >= size) {
                        input->fds[n_left] = input->fds[i];
                        input->fds[n_left++].position -= size;
                } else if (ret->n < VARLINK_FDS_MAX)
                        ret->fds[ret->n++] = input->fds[i].fd;
                else {
                        fd_close(input->fds[i].fd);
                        *ret_surplus = true;
                }
        input->n_fds = n_left;
}

int wire_input_take(WireInput *input, json_object **ret, WireFds *ret_fds) {
        _cleanup_json_ json_object *message = NULL;
        _cleanup_(wire_fds_done) WireFds fds = {};
        size_t size = wire_input_message_size(input);
        bool has_surplus;
        int r;

        if (size == 0)
                return -EAGAIN;

        r = json_parse_object(input->data, size - 1, &message);
        if (r < 0)
                return r;
        wire_input_split_fds(input, size, &fds, &has_surplus);
        if (has_surplus)
                return -EMSGSIZE;

        input->size -= size;
        input->scanned = 0;
        memmove(input->data, input->data + size, input->size);
        if (input->size == 0) {
                /* An idle connection holds no memory. */
                free(TAKE_PTR(input->data));
                input->allocated = 0;
        }

        *ret = TAKE_PTR(message);
        *ret_fds = fds;
        fds.n = 0;
        return 0;
}

static WireMessage *wire_message_free(WireMessage *message) {
        wire_fds_done(&message->fds);
        free(message);
        return NULL;
}
DEFINE_CLEANUP(WireMessage *, wire_message_free)

void wire_output_done(WireOutput *output) {
        while (output->head) {
                WireMessage *next = output->head->next;

                wire_message_free(output->head);
                output->head = next;
        }
        *output = (WireOutput) {};
}

int wire_output_push(WireOutput *output, json_object *json, const int *fds, size_t n_fds) {
        _cleanup_(wire_message_freep) WireMessage *message = NULL;
        const char *text;
        size_t length;

        if (n_fds > VARLINK_FDS_MAX)
                return -E2BIG;
        text = json_object_to_json_string_length(
                        json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length);
        if (!text)
                return -ENOMEM;
        if (length >= VARLINK_MESSAGE_BYTES_MAX)
                return -EMSGSIZE;

        message = calloc(1, sizeof(*message) + length + 1);
        if (!message)
                return -ENOMEM;
        memcpy(message->data, text, length);
        message->size = length + 1;

        for (size_t i = 0; i < n_fds; i++) {
                int fd = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);

                if (fd < 0)
                        return -errno;
                message->fds.fds[message->fds.n++] = fd;
        }

        if (output->tail)
                output->tail->next = message;
        else
                output->head = message;
        output->tail = TAKE_PTR(message);
        output->size += output->tail->size;
        return 0;
}

static ssize_t wire_message_send(WireMessage *message, int socket_fd) {
        size_t fds_bytes = message->fds.n * sizeof(int);
        struct iovec iov = { message->data + message->sent, message->size - message->sent };
        struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
        WireControl control = {};
        ssize_t n;

        if (message->fds.n > 0) {
                control.header.cmsg_level = SOL_SOCKET;
                control.header.cmsg_type = SCM_RIGHTS;
                control.header.cmsg_len = CMSG_LEN(fds_bytes);
                memcpy(CMSG_DATA(&control.header), message->fds.fds, fds_bytes);
                header.msg_control = &control;
                header.msg_controllen = CMSG_SPACE(fds_bytes);
        }

        do
                n = sendmsg(socket_fd, &header, MSG_NOSIGNAL);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;

        wire_fds_done(&message->fds); /* gone with the first byte */
        message->sent += (size_t) n;
        return n;
}

int wire_output_flush(WireOutput *output, int socket_fd) {
        while (output->head) {
                WireMessage *message = output->head;
                ssize_t n = wire_message_send(message, socket_fd);

                if (n == -EAGAIN)
                        return 0;
                if (n < 0)
                        return (int) n;

                output->size -= (size_t) n;
                if (message->sent < message->size)
                        continue;
                output->head = message->next;
                if (!output->head)
                        output->tail = NULL;
                output->n_sent++;
                wire_message_free(message);
        }
        return 1;
}
