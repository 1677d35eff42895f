/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>

#include "basic/io.h"
#include "varlink-fixture.h"

#define CALL(method) "{\"method\":\"" IFACE "." method "\"}"

static size_t count_fds(void) {
        _cleanup_closedir_ DIR *dir = opendir("/proc/self/fd");
        size_t n = 0;

        ck_assert_ptr_nonnull(dir);
        while (readdir(dir))
                n++;
        return n;
}

/* The event loop opens a clock for its first timer and keeps it: here, before fds are counted. */
static int warm_client(Fixture *f) {
        int fd = raw_client(f);

        raw_send_bytes(fd, CALL("Echo"), 1);
        pump(f);
        ck_assert_str_eq(raw_call(f, fd, &CALL("Echo")[1]), "{\"parameters\":{}}\n");
        return fd;
}

static int new_memfd(const char *text) {
        int fd = -EBADF;

        ck_assert_int_eq(memfd_new_with("test", text, strlen(text), &fd), 0);
        return fd;
}

static void assert_content(int fd, const char *text) {
        char buffer[64] = {};

        ck_assert_int_eq(pread(fd, buffer, sizeof(buffer) - 1, 0), (ssize_t) strlen(text));
        ck_assert_str_eq(buffer, text);
}

START_TEST(fds_go_both_ways) {
        _cleanup_(fixture_done) Fixture f;
        _cleanup_(varlink_client_freep) VarlinkClient *client = NULL;
        _cleanup_(varlink_reply_done) VarlinkReply reply = {};
        _cleanup_fd_ int fd = new_memfd("guest");

        fixture_init(&f);
        client = new_client(&f);
        ck_assert_int_eq(varlink_client_send(client, IFACE ".Fd", NULL, false, &fd, 1), 0);
        pump(&f);
        ck_assert_int_eq(varlink_client_receive(client, &reply), 0);
        ck_assert_ptr_null(reply.error);
        ck_assert_uint_eq(reply.n_fds, 2);
        for (size_t i = 0; i < 2; i++) {
                ck_assert_int_eq(fcntl(reply.fds[i], F_GETFD), FD_CLOEXEC);
                assert_content(reply.fds[i], "guest");
        }
        varlink_reply_done(&reply);

        ck_assert_int_eq(varlink_client_send(client, IFACE ".Fd", NULL, false, NULL, 0), 0);
        pump(&f);
        ck_assert_int_eq(varlink_client_receive(client, &reply), 0);
        ck_assert_str_eq(reply.error, "org.varlink.service.InvalidParameter");
        ck_assert_uint_eq(reply.n_fds, 0);
}
END_TEST

/* Two calls with fds, one without between, all sent before the server reads. */
START_TEST(fds_stay_with_their_message) {
        _cleanup_(fixture_done) Fixture f;
        _cleanup_(varlink_client_freep) VarlinkClient *client = NULL;

        fixture_init(&f);
        client = new_client(&f);
        for (size_t i = 0; i < 4; i++) {
                _cleanup_fd_ int fd = new_memfd(i < 2 ? "one" : "two");

                ck_assert_int_eq(varlink_client_send(client, i % 2 ? IFACE ".Fd" : IFACE ".Echo", NULL,
                                                 false, &fd, i % 2),
                                0);
        }
        pump(&f);
        for (size_t i = 0; i < 4; i++) {
                _cleanup_(varlink_reply_done) VarlinkReply reply = {};

                ck_assert_int_eq(varlink_client_receive(client, &reply), 0);
                ck_assert_ptr_null(reply.error);
                ck_assert_uint_eq(reply.n_fds, i % 2 * 2);
                if (i % 2)
                        assert_content(reply.fds[0], i < 2 ? "one" : "two");
        }
}
END_TEST

/* Answers with fds behind a queue that the client is slow to take. */
START_TEST(fds_stay_with_their_message_in_the_queue) {
        _cleanup_(fixture_done) Fixture f;
        _cleanup_(varlink_client_freep) VarlinkClient *client = NULL;
        _cleanup_fd_ int fd = new_memfd("late");
        Connection *connection;

        fixture_init(&f);
        client = new_client(&f);
        ck_assert_int_eq(varlink_client_send(client, IFACE ".Hold", NULL, true, NULL, 0), 0);
        pump(&f);
        for (unsigned i = 0; i < 20; i++) {
                json_object *o = json_object_new_object();
                char fill[50000] = {};

                memset(fill, 'x', sizeof(fill) - 1);
                ck_assert_int_eq(json_add_string(o, "fill", fill), 0);
                ck_assert_int_eq(varlink_call_notify(f.held, o), 0);
        }
        ck_assert_int_eq(varlink_call_reply(f.held, NULL, &fd, 1), 0);
        connection = LIST_FIRST(&f.server->connections);
        ck_assert_uint_gt(connection->output.size, 0);

        for (unsigned i = 0; i <= 20; i++) {
                _cleanup_(varlink_reply_done) VarlinkReply reply = {};

                for (unsigned k = 0; k < 3; k++)
                        ck_assert_int_ge(sd_event_run(f.event, 0), 0);
                ck_assert_int_eq(varlink_client_receive(client, &reply), 0);
                ck_assert_uint_eq(reply.n_fds, i == 20);
                ck_assert(reply.continues == (i < 20));
                if (i == 20)
                        assert_content(reply.fds[0], "late");
        }
}
END_TEST

START_TEST(unwanted_fds_are_closed) {
        _cleanup_(fixture_done) Fixture f;
        _cleanup_fd_ int fd = -EBADF;
        int fds[VARLINK_FDS_MAX] = {};
        size_t n_before;

        fixture_init(&f);
        fd = warm_client(&f);
        n_before = count_fds();
        ck_assert_int_gt(raw_send_fds(fd, CALL("Echo"), sizeof(CALL("Echo")), fds, ELEMENTSOF(fds)), 0);
        pump(&f);
        ck_assert_str_eq(raw_receive(fd), "{\"parameters\":{}}\n");
        ck_assert_uint_eq(count_fds(), n_before);

        /* Half a message with fds, then the end. */
        ck_assert_int_gt(raw_send_fds(fd, "{", 1, fds, ELEMENTSOF(fds)), 0);
        pump(&f);
        ck_assert_uint_gt(count_fds(), n_before);
        ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
        pump(&f);
        ck_assert_uint_eq(count_connections(&f), 0);
        ck_assert_uint_eq(count_fds(), n_before - 1);
}
END_TEST

START_TEST(too_many_fds_end_the_connection) {
        _cleanup_(fixture_done) Fixture f;
        _cleanup_fd_ int at_once = -EBADF, dripped = -EBADF, dripped_more = -EBADF;
        int fds[VARLINK_FDS_MAX + 1] = {};
        size_t n_before;

        fixture_init(&f);
        at_once = warm_client(&f);
        n_before = count_fds();
        ck_assert_int_gt(raw_send_fds(at_once, CALL("Echo"), sizeof(CALL("Echo")), fds, ELEMENTSOF(fds)), 0);
        pump(&f);
        ck_assert_str_eq(raw_receive(at_once), "(end)");

        dripped = raw_client(&f);
        ck_assert_int_eq(raw_send_fds(dripped, "{", 1, fds, 16), 1);
        ck_assert_int_gt(raw_send_fds(dripped, &CALL("Echo")[1], sizeof(CALL("Echo")) - 1, fds, 1), 0);
        pump(&f);
        ck_assert_str_eq(raw_receive(dripped), "(end)");

        dripped_more = raw_client(&f);
        for (unsigned i = 0; i < 3; i++)
                ck_assert_int_eq(raw_send_fds(dripped_more, " ", 1, fds, 16), 1);
        pump(&f);
        ck_assert_str_eq(raw_receive(dripped_more), "(end)");

        ck_assert_uint_eq(f.n_entered, 1);
        ck_assert_uint_eq(count_connections(&f), 0);
        /* Two more clients' ends, and the server's of the first one less. */
        ck_assert_uint_eq(count_fds(), n_before + 2 - 1);
}
END_TEST

START_TEST(client_checks_its_fds) {
        _cleanup_(fixture_done) Fixture f;
        _cleanup_(varlink_client_freep) VarlinkClient *client = NULL;
        int fds[VARLINK_FDS_MAX + 1] = {}, bad = 999;

        fixture_init(&f);
        client = new_client(&f);
        ck_assert_int_eq(
                        varlink_client_send(client, IFACE ".Fd", NULL, false, fds, ELEMENTSOF(fds)), -E2BIG);
        ck_assert_int_eq(varlink_client_send(client, IFACE ".Fd", NULL, false, &bad, 1), -EBADF);
}
END_TEST

UNIT_MAIN("varlink-fds", fds_go_both_ways, fds_stay_with_their_message,
                fds_stay_with_their_message_in_the_queue, unwanted_fds_are_closed,
                too_many_fds_end_the_connection, client_checks_its_fds)
