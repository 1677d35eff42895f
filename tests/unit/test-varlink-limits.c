/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <grp.h>
#include <sys/wait.h>

#include "ipc/call.h"
#include "ipc/service.h"
#include "varlink-fixture.h"

#define CALL(method) "{\"method\":\"" IFACE "." method "\"}"
#define NOBODY 65534U

/* As much as the socket takes; false if the server has closed it. */
static bool flood(int fd, const char *data, size_t size, size_t *done) {
        while (*done < size) {
                ssize_t n = send(fd, data + *done, size - *done, MSG_NOSIGNAL);

                if (n < 0)
                        return errno == EAGAIN;
                *done += (size_t) n;
        }
        return true;
}

START_TEST(takes_the_longest_message_and_no_longer) {
        static const char head[] = "{\"method\":\"" IFACE ".Big\",\"parameters\":{\"size\":1,\"x\":\"",
                          tail[] = "\"}}";
        _cleanup_(fixture_done) Fixture f;

        fixture_init(&f);
        for (size_t surplus = 0; surplus <= 1; surplus++) {
                size_t size = VARLINK_MESSAGE_BYTES_MAX + surplus, done = 0;
                _cleanup_free_ char *text = malloc(size);
                _cleanup_fd_ int fd = raw_client(&f);

                memset(text, 'x', size);
                memcpy(text, head, sizeof(head) - 1);
                memcpy(text + size - sizeof(tail), tail, sizeof(tail));
                while (done < size && flood(fd, text, size, &done))
                        pump(&f);
                pump(&f);
                ck_assert_str_eq(raw_receive(fd), surplus ? "(end)" : "{\"parameters\":{\"fill\":\"x\"}}\n");
                ck_assert_uint_eq(f.n_entered, 1);
        }
}
END_TEST

START_TEST(endless_message_is_dropped) {
        _cleanup_(fixture_done) Fixture f;
        _cleanup_fd_ int fd = -EBADF;
        char junk[4096];
        size_t total = 0, done;

        memset(junk, ' ', sizeof(junk));
        fixture_init(&f);
        fd = raw_client(&f);
        do {
                ck_assert_uint_lt(total, 4 * VARLINK_MESSAGE_BYTES_MAX);
                done = 0;
                if (!flood(fd, junk, sizeof(junk), &done))
                        break;
                total += done;
                pump(&f);
        } while (count_connections(&f) > 0);
        ck_assert_uint_eq(count_connections(&f), 0);
}
END_TEST

START_TEST(half_a_message_times_out) {
        _cleanup_(fixture_done) Fixture f;
        _cleanup_fd_ int idle = -EBADF, half = -EBADF, busy = -EBADF;

        fixture_init(&f);
        server_set_request_usec(f.server, 100 * 1000);
        idle = raw_client(&f);
        half = raw_client(&f);
        busy = raw_client(&f);
        raw_send_bytes(half, "{\"met", 5);
        /* The half one behind the call under way waits for us, not we for it. */
        raw_send(busy, CALL("Hold"));
        raw_send_bytes(busy, "{\"met", 5);
        ck_assert(wait_for_connections(&f, 2));
        ck_assert(is_closed(half));
        for (unsigned i = 0; i < 20; i++)
                ck_assert_int_ge(sd_event_run(f.event, 10 * 1000), 0);
        ck_assert_uint_eq(count_connections(&f), 2);
        ck_assert(!is_closed(idle));

        ck_assert_int_eq(varlink_call_reply(f.held, NULL, NULL, 0), 0);
        ck_assert_str_eq(raw_receive(busy), "{\"parameters\":{}}\n");
        ck_assert(wait_for_connections(&f, 1));
        ck_assert(is_closed(busy));
        ck_assert_str_eq(raw_call(&f, idle, CALL("Echo")), "{\"parameters\":{}}\n");
}
END_TEST

START_TEST(dripping_does_not_extend_the_time) {
        _cleanup_(fixture_done) Fixture f;
        _cleanup_fd_ int fd = -EBADF;

        fixture_init(&f);
        server_set_request_usec(f.server, 100 * 1000);
        fd = raw_client(&f);
        for (unsigned i = 0; i < 500 && !is_closed(fd); i++) {
                (void) send(fd, " ", 1, MSG_NOSIGNAL);
                ck_assert_int_ge(sd_event_run(f.event, 10 * 1000), 0);
                ck_assert_int_ge(usleep(1000), 0);
        }
        ck_assert(is_closed(fd));
}
END_TEST

START_TEST(slow_reader_is_bounded) {
        _cleanup_(fixture_done) Fixture f;
        _cleanup_fd_ int fd = -EBADF, other = -EBADF;
        _cleanup_free_ char *fill = calloc(1, 100001);
        unsigned n = 0;

        memset(fill, 'x', 100000);
        fixture_init(&f);
        fd = raw_client(&f);
        other = raw_client(&f);
        ck_assert_str_eq(raw_call(&f, fd, "{\"method\":\"" IFACE ".Hold\",\"more\":true}"), "(nothing)");
        for (; f.held && varlink_call_is_connected(f.held); n++) {
                json_object *o = json_object_new_object();

                ck_assert_uint_lt(n, 100);
                ck_assert_int_eq(json_add_string(o, "fill", fill), 0);
                ck_assert_int_eq(varlink_call_notify(f.held, o), 0);
        }
        ck_assert_uint_gt(n, 40);
        pump(&f);
        ck_assert_uint_eq(f.n_gone, 1);
        ck_assert_uint_eq(count_connections(&f), 1);
        ck_assert_str_eq(raw_call(&f, other, CALL("Echo")), "{\"parameters\":{}}\n");
}
END_TEST

START_TEST(slow_reader_gets_it_all_or_times_out) {
        _cleanup_(fixture_done) Fixture f;
        _cleanup_fd_ int fd = -EBADF;
        size_t total = 0;

        fixture_init(&f);
        server_set_request_usec(f.server, 100 * 1000);
        fd = raw_client(&f);
        raw_send(fd, "{\"method\":\"" IFACE ".Big\",\"parameters\":{\"size\":1000000}}");
        while (total < 1000000 + sizeof("{'parameters':{'fill':''}}")) {
                char buffer[65536];
                ssize_t n;

                pump(&f);
                n = recv(fd, buffer, sizeof(buffer), 0);
                ck_assert_int_gt(n, 0);
                total += (size_t) n;
        }
        pump(&f);
        ck_assert_str_eq(raw_receive(fd), "(nothing)");
        ck_assert_uint_eq(count_connections(&f), 1);

        raw_send(fd, "{\"method\":\"" IFACE ".Big\",\"parameters\":{\"size\":1000000}}");
        ck_assert(wait_for_connections(&f, 0));
}
END_TEST

START_TEST(connections_are_bounded) {
        _cleanup_(fixture_done) Fixture f;
        int pair[2], fds[VARLINK_CONNECTIONS_PER_UID_MAX];

        fixture_init(&f);
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                fds[i] = raw_client(&f);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
        ck_assert_int_eq(varlink_server_take_connection_fd(f.server, pair[1]), -EUSERS);

        fds[0] = fd_close(fds[0]);
        pump(&f);
        ck_assert_int_eq(varlink_server_take_connection_fd(f.server, pair[1]), 0);
        ck_assert_str_eq(raw_call(&f, pair[0], CALL("Echo")), "{\"parameters\":{}}\n");
        fd_close(pair[0]);
        for (size_t i = 1; i < ELEMENTSOF(fds); i++)
                fd_close(fds[i]);
        pump(&f);
        ck_assert_uint_eq(count_connections(&f), 0);
}
END_TEST

START_TEST(others_leave_room_for_root) {
        _cleanup_(fixture_done) Fixture f;
        struct ucred peer = { .pid = 1, .gid = 1 };
        size_t n = 0;
        int pair[2];

        fixture_init(&f);
        /* Real connections, of people whom only the kernel could make up. */
        for (peer.uid = 1000; peer.uid < 1010; peer.uid++)
                for (unsigned i = 0; i < 12; i++, n++) {
                        int fd;

                        if (n == VARLINK_CONNECTIONS_MAX - SERVER_CONNECTIONS_ROOT)
                                break;
                        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
                        ck_assert_int_ge(fd, 0);
                        ck_assert_int_eq(connection_new(f.server, fd, &peer), 0);
                }
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
        ck_assert_int_eq(varlink_server_take_connection_fd(f.server, pair[1]), getuid() == 0 ? 0 : -EUSERS);
        if (getuid() != 0)
                fd_close(pair[1]);
        fd_close(pair[0]);
}
END_TEST

START_TEST(privilege_is_decided_by_uid) {
        static const VarlinkMethodFunc func = method_echo;
        static const VarlinkMethod open = { "Open", func },
                                   privileged = { "P", func, .is_privileged = true },
                                   streaming = { "S", func, .needs_more = true }, absent = { "A", NULL };

        ck_assert_ptr_null(call_refusal(&open, 1000, false));
        ck_assert_ptr_null(call_refusal(&privileged, 0, false));
        ck_assert_str_eq(call_refusal(&privileged, 1000, true), SERVICE_ERROR("PermissionDenied"));
        ck_assert_str_eq(call_refusal(&privileged, (uid_t) -1, true), SERVICE_ERROR("PermissionDenied"));
        ck_assert_ptr_null(call_refusal(&streaming, 1000, true));
        ck_assert_str_eq(call_refusal(&streaming, 0, false), SERVICE_ERROR("ExpectedMore"));
        ck_assert_str_eq(call_refusal(&absent, 0, true), SERVICE_ERROR("MethodNotImplemented"));
}
END_TEST

/* SO_PEERCRED of a socketpair is who made it: nobody makes one, and both ends come to us. */
static void nobody_pair(int *pair) {
        alignas(struct cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))];
        struct iovec iov = { (char[1]) {}, 1 };
        struct msghdr header = {
                .msg_iov = &iov,
                .msg_iovlen = 1,
                .msg_control = control,
                .msg_controllen = sizeof(control),
        };
        int carrier[2], status;
        pid_t pid;

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, carrier), 0);
        pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0)
                _exit(setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
                                setresuid(NOBODY, NOBODY, NOBODY) < 0 ||
                                socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) < 0 ||
                                raw_send_fds(carrier[1], "x", 1, pair, 2) != 1);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(status, 0);

        ck_assert_int_eq(recvmsg(carrier[0], &header, MSG_CMSG_CLOEXEC), 1);
        memcpy(pair, CMSG_DATA(CMSG_FIRSTHDR(&header)), 2 * sizeof(int));
        fd_close(carrier[0]);
        fd_close(carrier[1]);
}

START_TEST(privileged_method_is_for_root) {
        _cleanup_(fixture_done) Fixture f;
        _cleanup_fd_ int fd = -EBADF;
        int pair[2];

        fixture_init(&f);
        if (getuid() != 0)
                return; /* cannot become another */
        nobody_pair(pair);
        fd = pair[0];
        ck_assert_int_eq(varlink_server_take_connection_fd(f.server, pair[1]), 0);
        ck_assert_str_eq(raw_call(&f, fd, CALL("Secret")),
                        "{\"parameters\":{},\"error\":\"org.varlink.service.PermissionDenied\"}\n");
        ck_assert_uint_eq(f.n_entered, 0);
        ck_assert_str_eq(raw_call(&f, fd, CALL("Hold")), "(nothing)");
        ck_assert_uint_eq(varlink_call_uid(f.held), NOBODY);

        fd_close(fd);
        fd = raw_client(&f);
        ck_assert_str_eq(raw_call(&f, fd, CALL("Secret")), "{\"parameters\":{}}\n");
}
END_TEST

UNIT_MAIN("varlink-limits", takes_the_longest_message_and_no_longer, endless_message_is_dropped,
                half_a_message_times_out, dripping_does_not_extend_the_time, slow_reader_is_bounded,
                slow_reader_gets_it_all_or_times_out, connections_are_bounded, others_leave_room_for_root,
                privilege_is_decided_by_uid, privileged_method_is_for_root)
