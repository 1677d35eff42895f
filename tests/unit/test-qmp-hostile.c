/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "basic/json.h"
#include "qmp-fake.h"
#include "unit.h"
#include "workload/qmp.h"

START_TEST(ends_with_who_speaks_no_qmp) {
        static const char *const bad[] = {
                "[]\n",
                "{}\n",
                "nonsense\n",
                "{\"return\":{},\"error\":{}}\n",
                "{\"error\":\"x\"}\n",
                "{\"event\":1}\n",
                "{\"event\":\"a\\u0000b\"}\n",
                "{\"event\":\"X\",\"data\":[]}\n",
                "{\"QMP\":[]}\n",
                "{\"QMP\":{\"version\":{\"qemu\":{\"major\":99999999999,\"minor\":0,\"micro\":0}}}}\n",
                "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n",
                "{\"event\":\"X\"} {}\n",
        };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                FAKE(f);

                fake_ready(&f);
                ck_assert_int_eq(execute(&f, "cont", -EBADF), 0);
                fake_say(&f, bad[i]);
                ck_assert_msg(f.seen.n_closed == 1 && f.seen.closed_error == -EBADMSG, "%s", bad[i]);
                ck_assert_uint_eq(f.seen.n_replies, 1);
                ck_assert_int_eq(f.seen.error, -EBADMSG);
        }
}
END_TEST

START_TEST(ends_with_answers_out_of_order) {
        FAKE(f);
        _cleanup_json_ json_object *first = NULL, *second = NULL;

        fake_ready(&f);
        ck_assert_int_eq(execute(&f, "stop", -EBADF), 0);
        ck_assert_int_eq(execute(&f, "cont", -EBADF), 0);
        first = fake_hear(&f, NULL);
        second = fake_hear(&f, NULL);
        ck_assert_ptr_nonnull(second);
        fake_answer(&f, second, "\"return\":{}");
        ck_assert_int_eq(f.seen.closed_error, -EBADMSG);
        ck_assert_uint_eq(f.seen.n_replies, 2);
}
END_TEST

START_TEST(ends_when_negotiation_is_refused) {
        FAKE(f);

        fake_connect(&f);
        fake_say(&f, GREETING);
        fake_expect(&f, "qmp_capabilities", "\"error\":{\"class\":\"GenericError\",\"desc\":\"no\"}");
        ck_assert_int_eq(f.seen.closed_error, -EBADMSG);
}
END_TEST

/* Both the longest line that is let through and the first that is not. */
START_TEST(bounds_a_line) {
        _cleanup_free_ char *spaces = malloc(QMP_LINE_BYTES_MAX);

        memset(spaces, ' ', QMP_LINE_BYTES_MAX);
        for (size_t size = QMP_LINE_BYTES_MAX - 20; size <= QMP_LINE_BYTES_MAX; size += 20) {
                FAKE(f);
                size_t sent = 0;

                fake_ready(&f);
                while (sent < size && f.seen.n_closed == 0) {
                        ssize_t n = send(f.fd, spaces, size - sent, MSG_DONTWAIT | MSG_NOSIGNAL);

                        sent += n > 0 ? (size_t) n : 0;
                        fake_settle(&f);
                }
                if (size == QMP_LINE_BYTES_MAX) {
                        ck_assert_int_eq(f.seen.closed_error, -EBADMSG);
                        continue;
                }
                fake_say(&f, "{\"event\":\"LONG\"}\n");
                ck_assert_str_eq(f.seen.event, "LONG");
        }
}
END_TEST

START_TEST(bounds_the_queue_and_a_command) {
        FAKE(f);
        json_object *arguments = json_object_new_object();
        _cleanup_free_ char *text = calloc(1, QMP_LINE_BYTES_MAX + 1);
        unsigned n = 0;
        int r;

        fake_connect(&f);
        memset(text, 'x', QMP_LINE_BYTES_MAX);
        ck_assert_int_eq(json_add_string(arguments, "text", text), 0);
        ck_assert_int_eq(qmp_execute(f.seen.qmp, "x", arguments, -EBADF, 0, NULL, NULL), -E2BIG);
        while ((r = execute(&f, "cont", -EBADF)) == 0)
                n++;
        ck_assert_int_eq(r, -ENOBUFS);
        ck_assert_uint_eq(n, 64);
}
END_TEST

/* A socket buffer's worth of commands at a QEMU that does not read, then does. */
START_TEST(waits_for_room_in_the_socket) {
        FAKE(f);
        _cleanup_free_ char *text = calloc(1, 65536), *sink = malloc(65536);

        fake_ready(&f);
        memset(text, 'x', 65535);
        for (unsigned i = 0; i < 60; i++) {
                json_object *arguments = json_object_new_object();

                ck_assert_int_eq(json_add_string(arguments, "text", text), 0);
                ck_assert_int_eq(qmp_execute(f.seen.qmp, "x", arguments, -EBADF,
                                                 i == 30 ? 1000 : TIMEOUT_USEC, on_reply, &f.seen),
                                0);
        }
        fake_settle(&f);
        WAIT_FOR(&f, n_replies, 1);
        for (size_t sent = 0; sent < 59UL * 65535;) {
                ssize_t n = recv(f.fd, sink, 65536, MSG_DONTWAIT);

                if (n > 0)
                        sent += (size_t) n;
                fake_settle(&f);
        }
        f.fd = fd_close(f.fd);
        fake_settle(&f);
        ck_assert_uint_eq(f.seen.n_replies, 60);
}
END_TEST

START_TEST(may_be_freed_by_a_reply) {
        FAKE(f);

        fake_ready(&f);
        f.seen.frees = true;
        ck_assert_int_eq(execute(&f, "cont", -EBADF), 0);
        ck_assert_int_eq(execute(&f, "cont", -EBADF), 0);
        fake_expect(&f, "cont", "\"return\":{}");
        fake_freed_once(&f);
}
END_TEST

START_TEST(may_be_freed_by_an_event) {
        FAKE(f);

        fake_ready(&f);
        f.seen.frees = true;
        fake_say(&f, "{\"event\":\"STOP\"}\n{\"event\":\"RESUME\"}\n");
        fake_freed_once(&f);
}
END_TEST

START_TEST(may_be_freed_by_a_last_reply) {
        FAKE(f);

        fake_ready(&f);
        f.seen.frees = true;
        ck_assert_int_eq(execute(&f, "cont", -EBADF), 0);
        ck_assert_int_eq(execute(&f, "cont", -EBADF), 0);
        fake_say(&f, "[]\n");
        fake_freed_once(&f);
}
END_TEST

START_TEST(may_be_freed_by_its_end) {
        FAKE(f);

        fake_ready(&f);
        f.seen.frees = true;
        f.fd = fd_close(f.fd);
        fake_freed_once(&f);
}
END_TEST

START_TEST(may_be_freed_by_a_timeout) {
        for (unsigned is_sent = 0; is_sent < 2; is_sent++) {
                FAKE(f);

                if (is_sent)
                        fake_ready(&f);
                else
                        fake_connect(&f);
                f.seen.frees = true;
                ck_assert_int_eq(qmp_execute(f.seen.qmp, "x", NULL, -EBADF, 1000, on_reply, &f.seen), 0);
                fake_freed_once(&f);
        }
}
END_TEST

UNIT_MAIN("qmp-hostile", ends_with_who_speaks_no_qmp, ends_with_answers_out_of_order,
                ends_when_negotiation_is_refused, bounds_a_line, bounds_the_queue_and_a_command,
                waits_for_room_in_the_socket, may_be_freed_by_a_reply, may_be_freed_by_an_event,
                may_be_freed_by_a_last_reply, may_be_freed_by_its_end, may_be_freed_by_a_timeout)
