/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Talking to rtnetlink: dumps, and requests of which many are on the way at a time. */

#include <errno.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/nexthop.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "basic/log.h"
#include "host/network-internal.h"

#define RECEIVE_BYTES (32U << 10)
/* An answer counts some 1 KiB against the receive buffer, which has room for some 400 KiB; and what is over is lost. */
#define ANSWERS_MAX 64U
#define SEND_BYTES_MAX (32U << 10)
/* A table that changes all the time cannot be had in one piece. */
#define DUMP_TRIES 10U
/* What the kernel has to say is there when a request was sent; nothing that is on its way is waited for. */
#define ANSWER_SECONDS 2

static int from_nl_error(int r) {
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
                return from_nl_error(r);
        /* Errors need not repeat the request. */
        if (setsockopt(nl_socket_get_fd(sk), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on)) < 0 ||
                        setsockopt(nl_socket_get_fd(sk), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
                return -errno;
        *ret = TAKE_PTR(sk);
        return 0;
}

typedef void (*ReceivedFunc)(const struct nlmsghdr *message, void *userdata);

/* One datagram. */
static int receive(struct nl_sock *sk, ReceivedFunc func, void *userdata) {
        _cleanup_free_ unsigned char *data = NULL;
        struct sockaddr_nl from;
        int size;

        size = nl_recv(sk, &from, &data, NULL);
        if (size < 0)
                return from_nl_error(size);
        if (size == 0)
                return -EIO;
        if (from.nl_pid != 0)
                return 0;
        for (struct nlmsghdr *m = (struct nlmsghdr *) data; nlmsg_ok(m, size); m = nlmsg_next(m, &size))
                func(m, userdata);
        return 0;
}

static bool is_error(int error) {
        return error < 0 && error >= -4095;
}

/* dumps */

typedef struct Dump {
        Messages *messages;
        NetworkTable table;
        uint32_t sequence;
        int error;
        bool is_done, was_interrupted;
} Dump;

static bool is_wanted(const Message *message, NetworkTable table) {
        const struct rtmsg *route = message->body;
        const struct ndmsg *entry = message->body;

        if (table == NETWORK_FDB) /* what a bridge has learned, it learns again */
                return entry->ndm_state & (NUD_PERMANENT | NUD_NOARP);
        if (table != NETWORK_ROUTES)
                return true;
        /* Multicast routing has families of its own here, and is up to its daemon. */
        return !(route->rtm_flags & RTM_F_CLONED) &&
                        (route->rtm_family == AF_INET || route->rtm_family == AF_INET6 || route->rtm_family == AF_MPLS);
}

static void dump_received(const struct nlmsghdr *m, void *userdata) {
        Dump *dump = userdata;
        Message message;

        if (m->nlmsg_seq != dump->sequence)
                return;
        if (m->nlmsg_flags & NLM_F_DUMP_INTR)
                dump->was_interrupted = true;
        if (m->nlmsg_type == NLMSG_DONE || m->nlmsg_type == NLMSG_ERROR) {
                const int *error = NLMSG_DATA(m);

                dump->is_done = true;
                if (dump->error == 0 && m->nlmsg_len >= NLMSG_LENGTH(sizeof(*error)) && is_error(*error))
                        dump->error = *error;
        } else if (dump->error == 0 && message_parse(m, dump->table, &message) >= 0 && is_wanted(&message, dump->table))
                dump->error = messages_append(dump->messages, m);
}

static int dump_once(struct nl_sock *sk, Dump *dump, uint16_t type, const void *body, size_t body_size) {
        _cleanup_(nl_msg_freep) struct nl_msg *m =
                        request_new(type, 0, body, body_size, NLA_HDRLEN + sizeof(uint32_t));
        int r;

        /* Counters are the larger part of a link, and nothing to put back. */
        if (!m || (type == RTM_GETLINK && nla_put_u32(m, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS) < 0))
                return -ENOMEM;
        nlmsg_hdr(m)->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        nlmsg_hdr(m)->nlmsg_pid = nl_socket_get_local_port(sk);
        nlmsg_hdr(m)->nlmsg_seq = dump->sequence = nl_socket_use_seq(sk);
        r = nl_sendto(sk, nlmsg_hdr(m), nlmsg_hdr(m)->nlmsg_len);
        if (r < 0)
                return from_nl_error(r);

        /* To the end, whatever comes: the next dump would find the rest. */
        while (!dump->is_done) {
                r = receive(sk, dump_received, dump);
                if (r < 0)
                        return r;
        }
        return dump->error;
}

static int dump_part(struct nl_sock *sk, NetworkTable table, Messages *messages, uint16_t type, const void *body,
                size_t body_size) {
        size_t size = messages->size;
        int r;

        for (unsigned try = 0;; try++) {
                Dump dump = { .messages = messages, .table = table };

                messages->size = size;
                r = dump_once(sk, &dump, type, body, body_size);
                if (r == -EOPNOTSUPP || r == -EAFNOSUPPORT)
                        return 0;
                if (r < 0 || !dump.was_interrupted)
                        return r;
                if (try + 1 == DUMP_TRIES) {
                        log_warning("The network changes faster than it can be read; some of it may be missed.");
                        return 0;
                }
        }
}

int netlink_dump(struct nl_sock *sk, NetworkTable table, Messages *messages) {
        static const struct ndmsg proxies = { .ndm_flags = NTF_PROXY };
        static const struct ifinfomsg fdb = { .ifi_family = AF_BRIDGE };
        static const unsigned char all[sizeof(struct ifinfomsg)] = {};
        static const uint16_t types[] = {
                [NETWORK_LINKS] = RTM_GETLINK,
                [NETWORK_ADDRESSES] = RTM_GETADDR,
                [NETWORK_NEXTHOPS] = RTM_GETNEXTHOP,
                [NETWORK_ROUTES] = RTM_GETROUTE,
                [NETWORK_NEIGHBOURS] = RTM_GETNEIGH,
        };
        int r;

        if (table == NETWORK_FDB)
                return dump_part(sk, table, messages, RTM_GETNEIGH, &fdb, sizeof(fdb));
        r = dump_part(sk, table, messages, types[table], all, message_body_size(table));
        if (r < 0 || table != NETWORK_NEIGHBOURS)
                return r;
        return dump_part(sk, table, messages, RTM_GETNEIGH, &proxies, sizeof(proxies));
}

/* requests */

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
        answers->errors[i] = is_error(answer->error) ? answer->error : 0;
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
                return from_nl_error(r);
        /* Where a driver says so, the kernel answers nothing (net/netlink/af_netlink.c, netlink_rcv_skb()). */
        for (size_t i = 0; i < answers->n; i++)
                answers->errors[i] = -EINTR;
        while (answers->n_seen < answers->n) {
                r = receive(sk, answer_received, answers);
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
