/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "varlink-fixture.h"

#define CALL(method) "{\"method\":\"" IFACE "." method "\"}"
#define SERVICE "org.varlink.service"

START_TEST(answers_a_call) {
        _cleanup_(fixture_done) Fixture f;
        _cleanup_fd_ int fd = -EBADF;

        fixture_init(&f);
        fd = raw_client(&f);
        ck_assert_str_eq(raw_call(&f, fd, CALL("Echo")), "{\"parameters\":{}}\n");
        ck_assert_str_eq(raw_call(&f, fd,
                                         "{\"method\":\"" IFACE
                                         ".Echo\",\"parameters\":{\"a\":[\"/\"]},\"x\":1}"),
                        "{\"parameters\":{\"a\":[\"/\"]}}\n");
        ck_assert_str_eq(raw_call(&f, fd,
                                         "{\"method\":\"" IFACE ".Echo\",\"parameters\":null,\"more\":null,"
                                         "\"oneway\":false}"),
                        "{\"parameters\":{}}\n");
        ck_assert_uint_eq(f.n_entered, 3);
        ck_assert_uint_eq(count_connections(&f), 1);

        fd = fd_close(fd);
        pump(&f);
        ck_assert_uint_eq(count_connections(&f), 0);
}
END_TEST

START_TEST(refuses_what_it_does_not_have) {
        _cleanup_(fixture_done) Fixture f;
        _cleanup_fd_ int fd = -EBADF;

        fixture_init(&f);
        fd = raw_client(&f);
        ck_assert_str_eq(raw_call(&f, fd, "{\"method\":\"io.example.None.Echo\"}"),
                        "{\"parameters\":{\"interface\":\"io.example.None\"},"
                        "\"error\":\"" SERVICE ".InterfaceNotFound\"}\n");
        ck_assert_str_eq(raw_call(&f, fd, "{\"method\":\".Echo\"}"),
                        "{\"parameters\":{\"interface\":\"\"},\"error\":\"" SERVICE
                        ".InterfaceNotFound\"}\n");
        ck_assert_str_eq(raw_call(&f, fd, CALL("None")),
                        "{\"parameters\":{\"method\":\"" IFACE ".None\"},\"error\":\"" SERVICE
                        ".MethodNotFound\"}\n");
        ck_assert_str_eq(raw_call(&f, fd, CALL("Later")),
                        "{\"parameters\":{\"method\":\"" IFACE ".Later\"},"
                        "\"error\":\"" SERVICE ".MethodNotImplemented\"}\n");
        ck_assert_str_eq(raw_call(&f, fd, "{\"method\":\"Echo\"}"),
                        "{\"parameters\":{\"parameter\":\"method\"},\"error\":\"" SERVICE
                        ".InvalidParameter\"}\n");
        ck_assert_str_eq(raw_call(&f, fd, "{\"method\":\"" IFACE ".Echo\",\"upgrade\":true}"),
                        "{\"parameters\":{\"parameter\":\"upgrade\"},\"error\":\"" SERVICE
                        ".InvalidParameter\"}\n");
        ck_assert_str_eq(raw_call(&f, fd, CALL("Count")),
                        "{\"parameters\":{},\"error\":\"" SERVICE ".ExpectedMore\"}\n");
        ck_assert_str_eq(raw_call(&f, fd, "{\"method\":\"" IFACE ".Count\",\"more\":true}"),
                        "{\"parameters\":{\"parameter\":\"to\"},\"error\":\"" SERVICE
                        ".InvalidParameter\"}\n");
        ck_assert_uint_eq(f.n_entered, 1);
        ck_assert_str_eq(raw_call(&f, fd, CALL("Echo")), "{\"parameters\":{}}\n");
}
END_TEST

START_TEST(tells_internal_errors) {
        _cleanup_(fixture_done) Fixture f;
        _cleanup_fd_ int fd = -EBADF;

        fixture_init(&f);
        fd = raw_client(&f);
        ck_assert_str_eq(raw_call(&f, fd, CALL("Fail")),
                        "{\"parameters\":{\"origin\":\"linux\",\"errno\":28,\"errnoName\":\"ENOSPC\"},"
                        "\"error\":\"io.systemd.System\"}\n");
        ck_assert_str_eq(raw_call(&f, fd, CALL("Forget")),
                        "{\"parameters\":{\"origin\":\"linux\",\"errno\":5,\"errnoName\":\"EIO\"},"
                        "\"error\":\"io.systemd.System\"}\n");
        /* An answer too long for a message is an error of the method, not the end of the client. */
        ck_assert_str_eq(
                        raw_call(&f, fd, "{\"method\":\"" IFACE ".Big\",\"parameters\":{\"size\":1048576}}"),
                        "{\"parameters\":{\"origin\":\"linux\",\"errno\":90,\"errnoName\":\"EMSGSIZE\"},"
                        "\"error\":\"io.systemd.System\"}\n");
        ck_assert_uint_eq(count_connections(&f), 1);
}
END_TEST

START_TEST(drops_who_speaks_no_varlink) {
        static const char *const bad[] = {
                "",
                "{",
                "[]",
                "GET / HTTP/1.1\r\n",
                "{\"parameters\":{}}",
                "{\"method\":1}",
                "{\"method\":null}",
                "{\"method\":\"" IFACE ".Echo\\u0000\"}",
                "{\"method\":\"" IFACE ".Echo\",\"parameters\":[]}",
                "{\"method\":\"" IFACE ".Echo\",\"more\":1}",
                "{\"method\":\"" IFACE ".Echo\",\"oneway\":\"\"}",
                "{\"method\":\"" IFACE ".Echo\",\"upgrade\":{}}",
                "{\"method\":\"" IFACE ".Echo\",\"oneway\":true,\"more\":true}",
                "{\"method\":\"" IFACE ".Echo\",\"oneway\":true,\"upgrade\":true}",
        };
        _cleanup_(fixture_done) Fixture f;
        _cleanup_fd_ int good = -EBADF;

        fixture_init(&f);
        good = raw_client(&f);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                _cleanup_fd_ int fd = raw_client(&f);

                ck_assert_msg(strcmp(raw_call(&f, fd, bad[i]), "(end)") == 0, "%s", bad[i]);
                ck_assert_uint_eq(count_connections(&f), 1);
        }
        ck_assert_uint_eq(f.n_entered, 0);
        ck_assert_str_eq(raw_call(&f, good, CALL("Echo")), "{\"parameters\":{}}\n");
}
END_TEST

START_TEST(streams_more) {
        _cleanup_(fixture_done) Fixture f;
        _cleanup_fd_ int fd = -EBADF;

        fixture_init(&f);
        fd = raw_client(&f);
        ck_assert_str_eq(raw_call(&f, fd,
                                         "{\"method\":\"" IFACE
                                         ".Count\",\"parameters\":{\"to\":2},\"more\":true}"),
                        "{\"parameters\":{\"n\":0},\"continues\":true}\n"
                        "{\"parameters\":{\"n\":1},\"continues\":true}\n"
                        "{\"parameters\":{\"n\":2}}\n");

        /* Progress is on the wire before the loop runs again; without `more` there is none. */
        ck_assert_str_eq(raw_call(&f, fd, "{\"method\":\"" IFACE ".Hold\",\"more\":true}"), "(nothing)");
        ck_assert(varlink_call_wants_more(f.held));
        ck_assert_int_eq(varlink_call_notify(f.held, NULL), 0);
        ck_assert_str_eq(raw_receive(fd), "{\"parameters\":{},\"continues\":true}\n");
        ck_assert_int_eq(varlink_call_error(f.held, IFACE ".Sorry", NULL), 0);
        ck_assert_str_eq(raw_receive(fd), "{\"parameters\":{},\"error\":\"" IFACE ".Sorry\"}\n");
        ck_assert_int_eq(varlink_call_notify(f.held, json_object_new_object()), -EALREADY);
        ck_assert_int_eq(varlink_call_reply(f.held, json_object_new_object(), NULL, 0), -EALREADY);
        f.held = varlink_call_unref(f.held);

        ck_assert_str_eq(raw_call(&f, fd, CALL("Hold")), "(nothing)");
        ck_assert_int_eq(varlink_call_notify(f.held, json_object_new_object()), 0);
        ck_assert_str_eq(raw_receive(fd), "(nothing)");
        f.held = varlink_call_unref(f.held);
        ck_assert_ptr_nonnull(strstr(raw_receive(fd), "io.systemd.System"));
}
END_TEST

START_TEST(oneway_is_never_answered) {
        _cleanup_(fixture_done) Fixture f;
        _cleanup_fd_ int fd = -EBADF;

        fixture_init(&f);
        fd = raw_client(&f);
        ck_assert_str_eq(raw_call(&f, fd, "{\"method\":\"" IFACE ".Echo\",\"oneway\":true}"), "(nothing)");
        ck_assert_str_eq(raw_call(&f, fd, "{\"method\":\"" IFACE ".Fail\",\"oneway\":true}"), "(nothing)");
        ck_assert_str_eq(raw_call(&f, fd, "{\"method\":\"" IFACE ".None\",\"oneway\":true}"), "(nothing)");
        ck_assert_uint_eq(f.n_entered, 2);

        /* Still carried out if the client does not wait for it. */
        raw_send(fd, "{\"method\":\"" IFACE ".Echo\",\"oneway\":true}");
        raw_send(fd, "{\"method\":\"" IFACE ".Echo\",\"oneway\":true}");
        fd = fd_close(fd);
        pump(&f);
        ck_assert_uint_eq(f.n_entered, 4);
        ck_assert_uint_eq(count_connections(&f), 0);
}
END_TEST

START_TEST(pipelines_one_at_a_time) {
        static const char calls[] = CALL("Hold") "\0" CALL("Echo") "\0" CALL("Hold") "\0" CALL("Echo");
        _cleanup_(fixture_done) Fixture f;
        _cleanup_fd_ int fd = -EBADF;

        fixture_init(&f);
        fd = raw_client(&f);
        raw_send_bytes(fd, calls, sizeof(calls));
        for (unsigned i = 1; i <= 2; i++) {
                VarlinkCall *call;

                pump(&f);
                ck_assert_uint_eq(f.n_entered, 2 * i - 1);
                ck_assert_str_eq(raw_receive(fd), i == 1 ? "(nothing)" : "{\"parameters\":{}}\n");
                call = TAKE_PTR(f.held);
                ck_assert_int_eq(varlink_call_reply(call, json_object_new_object(), NULL, 0), 0);
                varlink_call_unref(call);
                ck_assert_str_eq(raw_receive(fd), "{\"parameters\":{}}\n");
        }
        pump(&f);
        ck_assert_uint_eq(f.n_entered, 4);
        ck_assert_str_eq(raw_receive(fd), "{\"parameters\":{}}\n");
}
END_TEST

START_TEST(takes_bytes_one_by_one) {
        static const char call[] = CALL("Echo") "\0" CALL("Echo");
        _cleanup_(fixture_done) Fixture f;
        _cleanup_fd_ int fd = -EBADF;

        fixture_init(&f);
        fd = raw_client(&f);
        for (size_t i = 0; i < sizeof(call); i++) {
                raw_send_bytes(fd, call + i, 1);
                pump(&f);
        }
        ck_assert_str_eq(raw_receive(fd), "{\"parameters\":{}}\n{\"parameters\":{}}\n");
}
END_TEST

START_TEST(answers_after_a_half_close) {
        _cleanup_(fixture_done) Fixture f;
        _cleanup_fd_ int fd = -EBADF;
        VarlinkCall *call;

        fixture_init(&f);
        fd = raw_client(&f);
        raw_send(fd, CALL("Echo"));
        raw_send(fd, CALL("Hold"));
        ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
        pump(&f);
        ck_assert_str_eq(raw_receive(fd), "{\"parameters\":{}}\n");
        call = TAKE_PTR(f.held);
        ck_assert_int_eq(varlink_call_reply(call, NULL, NULL, 0), 0);
        varlink_call_unref(call);
        pump(&f);
        ck_assert_str_eq(raw_receive(fd), "{\"parameters\":{}}\n");
        ck_assert_str_eq(raw_receive(fd), "(end)");
        ck_assert_uint_eq(count_connections(&f), 0);
}
END_TEST

START_TEST(call_survives_its_peer) {
        _cleanup_(fixture_done) Fixture f;
        _cleanup_(varlink_call_unrefp) VarlinkCall *call = NULL;
        _cleanup_fd_ int fd = -EBADF;
        int pidfd;
        pid_t pid;

        fixture_init(&f);
        fd = raw_client(&f);
        ck_assert_str_eq(raw_call(&f, fd, "{\"method\":\"" IFACE ".Hold\",\"more\":true}"), "(nothing)");
        raw_send(fd, CALL("Echo"));
        call = varlink_call_ref(f.held);
        ck_assert(varlink_call_is_connected(call));
        ck_assert_uint_eq(varlink_call_uid(call), getuid());
        ck_assert_int_eq(varlink_call_pidfd(call, &pid, NULL), 0);
        ck_assert_int_eq(pid, getpid());
        if (varlink_call_pidfd(call, NULL, &pidfd) == 0) {
                ck_assert_int_eq(fcntl(pidfd, F_GETFD), FD_CLOEXEC);
                fd_close(pidfd);
        }

        fd = fd_close(fd);
        pump(&f);
        ck_assert_uint_eq(count_connections(&f), 0);
        ck_assert_uint_eq(f.n_gone, 1);
        ck_assert_ptr_null(f.held);
        ck_assert(!varlink_call_is_connected(call));
        ck_assert_int_eq(varlink_call_pidfd(call, &pid, &pidfd), -ENOTCONN);
        ck_assert_int_eq(varlink_call_notify(call, json_object_new_object()), 0);
        ck_assert_int_eq(varlink_call_reply(call, json_object_new_object(), NULL, 0), 0);
        ck_assert_int_eq(varlink_call_reply(call, json_object_new_object(), NULL, 0), -EALREADY);
}
END_TEST

START_TEST(call_survives_its_server) {
        _cleanup_(fixture_done) Fixture f;
        _cleanup_(varlink_call_unrefp) VarlinkCall *call = NULL;
        _cleanup_fd_ int fd = -EBADF;

        fixture_init(&f);
        fd = raw_client(&f);
        ck_assert_str_eq(raw_call(&f, fd, CALL("Hold")), "(nothing)");
        call = varlink_call_ref(f.held);
        f.server = varlink_server_free(f.server);
        ck_assert_uint_eq(f.n_gone, 1);
        ck_assert_str_eq(raw_receive(fd), "(end)");
        ck_assert_int_eq(varlink_call_reply(call, NULL, NULL, 0), 0);
}
END_TEST

UNIT_MAIN("varlink", answers_a_call, refuses_what_it_does_not_have, tells_internal_errors,
                drops_who_speaks_no_varlink, streams_more, oneway_is_never_answered, pipelines_one_at_a_time,
                takes_bytes_one_by_one, answers_after_a_half_close, call_survives_its_peer,
                call_survives_its_server)
