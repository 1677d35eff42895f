/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Messages on a stream socket, as both sides see them: where one ends, and which fds came beside which. */

#include <json-c/json.h>
#include <stddef.h>
#include <stdint.h>

#include "basic/cleanup.h"
#include "ipc/varlink.h"

typedef struct WireFds {
        int fds[VARLINK_FDS_MAX]; /* a taken one is negative */
        size_t n;
} WireFds;

void wire_fds_done(WireFds *fds);

typedef struct WireInput {
        char *data;
        size_t size, allocated;
        size_t scanned; /* no NUL before this */
        struct {
                int fd;
                size_t position; /* of a byte of its message */
        } fds[2 * VARLINK_FDS_MAX];
        size_t n_fds;
} WireInput;

void wire_input_done(WireInput *input);

/* One recvmsg(), allowed only while there is no whole message. 1 if bytes came, 0 at the end of the stream,
 * -EMSGSIZE for too long a message or too many fds, -EAGAIN, or what recvmsg() says. */
int wire_input_receive(WireInput *input, int socket_fd);

/* Size of the message at the head with its NUL, 0 if there is none yet. */
size_t wire_input_message_size(WireInput *input);

/* Takes that message. -EBADMSG if it is no JSON object, -EMSGSIZE if it brought too many fds. */
int wire_input_take(WireInput *input, json_object **ret, WireFds *ret_fds);

typedef struct WireMessage WireMessage;

typedef struct WireOutput {
        WireMessage *head, *tail;
        size_t size;     /* bytes not yet sent */
        uint64_t n_sent; /* messages sent whole, ever */
} WireOutput;

void wire_output_done(WireOutput *output);

/* Appends a message; fds are duplicated. -EMSGSIZE, -E2BIG (fds), -ENOMEM, or what fcntl() says. */
int wire_output_push(WireOutput *output, json_object *message, const int *fds, size_t n_fds);

/* Sends until all is out (1) or the socket takes no more (0). */
int wire_output_flush(WireOutput *output, int socket_fd);
