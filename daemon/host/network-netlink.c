/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Talking to rtnetlink: requests, of which many are on the way at a time. */

#include <errno.h>
#include <netlink/errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "host/network-netlink.h"

#define RECEIVE_BYTES (32U << 10)
/* An answer counts some 1 KiB against the receive buffer, which has room for some 400 KiB; and what is over is lost. */
#define ANSWERS_MAX 64U
#define SEND_BYTES_MAX (32U << 10)
/* What the kernel has to say is there when a request was sent; nothing that is on its way is waited for. */
#define ANSWER_SECONDS 2

int netlink_error(int r) {
        switch (-r) {
        case NLE_NOMEM:
                return -ENOMEM;
        case NLE_AGAIN:
                return -ETIMEDOUT;
        case NLE_PERM:
        case NLE_NOACCESS:
                return -EPERM;
        case NLE_AF_NOSUPPORT:
        case NLE_PROTO_MISMATCH:
                return -EAFNOSUPPORT;
        default:
                return -EIO;
        }
}

int netlink_open(struct nl_sock **ret) {
        _cleanup_(nl_socket_freep) struct nl_sock *sk = nl_socket_alloc();
        static const struct timeval limit = { .tv_sec = ANSWER_SECONDS };
        static const int on = 1;
        int r;

        if (!sk)
                return -ENOMEM;
        r = nl_connect(sk, NETLINK_ROUTE);
        if (r >= 0)
                r = nl_socket_set_msg_buf_size(sk, RECEIVE_BYTES);
        if (r >= 0)
                r = nl_socket_set_buffer_size(sk, 1 << 20, 1 << 20); /* as much of it as the kernel gives */
        if (r < 0)
                return netlink_error(r);
        /* Errors need not repeat the request. */
        if (setsockopt(nl_socket_get_fd(sk), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on)) < 0 ||
                        setsockopt(nl_socket_get_fd(sk), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
                return -errno;
        *ret = TAKE_PTR(sk);
        return 0;
}

int netlink_receive(struct nl_sock *sk, ReceivedFunc func, void *userdata) {
        _cleanup_free_ unsigned char *data = NULL;
        struct sockaddr_nl from;
        int size;

        size = nl_recv(sk, &from, &data, NULL);
        if (size < 0)
                return netlink_error(size);
        if (size == 0)
                return -EIO;
        if (from.nl_pid != 0)
                return 0;
        for (struct nlmsghdr *m = (struct nlmsghdr *) data; nlmsg_ok(m, size); m = nlmsg_next(m, &size))
                func(m, userdata);
        return 0;
}

typedef struct Answers {
        uint32_t sequence; /* of the first */
        size_t n, n_seen;
        int *errors;
} Answers;

static void answer_received(const struct nlmsghdr *m, void *userdata) {
        const struct nlmsgerr *answer = NLMSG_DATA(m);
        Answers *answers = userdata;
        uint32_t i = m->nlmsg_seq - answers->sequence;

        if (m->nlmsg_type != NLMSG_ERROR || m->nlmsg_len < NLMSG_LENGTH(sizeof(*answer)) || i >= answers->n)
                return;
        answers->errors[i] = netlink_is_error(answer->error) ? answer->error : 0;
        answers->n_seen++;
}

/* The messages of `requests` from `first` on that go together; `ret_size` bytes. */
static size_t batch_size(const Messages *requests, const struct nlmsghdr *first, size_t *ret_size) {
        size_t n = 0, size = 0;

        for (const struct nlmsghdr *m = first; m && n < ANSWERS_MAX; m = messages_next(requests, m)) {
                if (n > 0 && size + NLMSG_ALIGN((size_t) m->nlmsg_len) > SEND_BYTES_MAX)
                        break;
                size += NLMSG_ALIGN((size_t) m->nlmsg_len);
                n++;
        }
        *ret_size = size;
        return n;
}

static int send_batch(struct nl_sock *sk, const struct nlmsghdr *first, size_t size, Answers *answers) {
        _cleanup_free_ unsigned char *copy = malloc(size);
        Messages batch = { .data = copy, .size = size };
        int r;

        if (!copy)
                return -ENOMEM;
        memcpy(copy, first, size);
        for (const struct nlmsghdr *m = NULL; (m = messages_next(&batch, m));) {
                uint32_t sequence = nl_socket_use_seq(sk);

                if ((const unsigned char *) m == copy)
                        answers->sequence = sequence;
                ((struct nlmsghdr *) m)->nlmsg_seq = sequence;
                ((struct nlmsghdr *) m)->nlmsg_pid = nl_socket_get_local_port(sk);
        }
        r = nl_sendto(sk, copy, size);
        if (r < 0)
                return netlink_error(r);
        /* Where a driver says so, the kernel answers nothing (net/netlink/af_netlink.c, netlink_rcv_skb()). */
        for (size_t i = 0; i < answers->n; i++)
                answers->errors[i] = -EINTR;
        while (answers->n_seen < answers->n) {
                r = netlink_receive(sk, answer_received, answers);
                if (r < 0)
                        return r == -ETIMEDOUT ? 0 : r;
        }
        return 0;
}

int netlink_request(struct nl_sock *sk, const Messages *requests, int *errors) {
        const struct nlmsghdr *m = messages_next(requests, NULL);

        while (m) {
                Answers answers = { .errors = errors };
                size_t size;
                int r;

                answers.n = batch_size(requests, m, &size);
                r = send_batch(sk, m, size, &answers);
                if (r < 0)
                        return r;
                errors += answers.n;
                for (size_t i = 0; i < answers.n; i++)
                        m = messages_next(requests, m);
        }
        return 0;
}

int netlink_request_one(struct nl_sock *sk, struct nl_msg *request) {
        _cleanup_(messages_clear) Messages messages = {};
        int r, error = 0;

        r = messages_append(&messages, nlmsg_hdr(request));
        if (r >= 0)
                r = netlink_request(sk, &messages, &error);
        return r < 0 ? r : error;
}
