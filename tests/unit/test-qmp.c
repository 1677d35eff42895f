/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "basic/json.h"
#include "qemu-process.h"
#include "qmp-fake.h"
#include "unit.h"
#include "workload/qmp.h"

START_TEST(negotiates_then_executes) {
        FAKE(f);

        fake_connect(&f);
        ck_assert_int_eq(execute(&f, "query-status", -EBADF), 0);
        ck_assert_ptr_null(fake_hear(&f, NULL));
        ck_assert_uint_eq(qmp_version(f.seen.qmp), 0);
        fake_say(&f, GREETING);
        ck_assert_uint_eq(qmp_version(f.seen.qmp), 7 << 16 | 2 << 8 | 22);
        fake_expect(&f, "qmp_capabilities", "\"return\":{}");
        fake_expect(&f, "query-status", "\"return\":{\"status\":\"paused\"}");
        ck_assert_uint_eq(f.seen.n_replies, 1);
        ck_assert_int_eq(f.seen.error, 0);
        ck_assert_str_eq(f.seen.message, "{\"status\":\"paused\"}");
        ck_assert_uint_eq(f.seen.n_closed, 0);
}
END_TEST

START_TEST(takes_over_a_negotiated_connection) {
        FAKE(f);
        _cleanup_json_ json_object *command = NULL;

        fake_connect(&f);
        ck_assert_int_eq(execute(&f, "stop", -EBADF), 0);
        while (!(command = fake_hear(&f, NULL)))
                ck_assert_int_ge(sd_event_run(f.event, UINT64_MAX), 0);
        fake_answer(&f, command, "\"error\":{\"class\":\"CommandNotFound\",\"desc\":\"negotiated\"}");
        fake_expect(&f, "query-version", "\"return\":{\"qemu\":{\"major\":11,\"minor\":1,\"micro\":2}}");
        fake_expect(&f, "stop", "\"return\":{}");
        ck_assert_uint_eq(f.seen.n_replies, 1);
        ck_assert_uint_eq(qmp_version(f.seen.qmp), 11 << 16 | 1 << 8 | 2);
}
END_TEST

START_TEST(passes_over_what_was_for_another) {
        FAKE(f);

        fake_connect(&f);
        fake_say(&f,
                        "rn\": {}, \"id\": "
                        "7}\r\n\r\n{\"return\":{},\"id\":8}\n{\"return\":{},\"id\":\"other\"}\n"
                        "{\"error\":{\"class\":\"GenericError\",\"desc\":\"x\"}}\n{\"event\":\"STOP\"}\n");
        ck_assert_str_eq(f.seen.event, "STOP");
        fake_expect(&f, "qmp_capabilities", "\"error\":{\"class\":\"CommandNotFound\"}");
        fake_expect(&f, "query-version", "\"return\":{\"qemu\":{\"major\":11,\"minor\":1,\"micro\":2}}");
        ck_assert_int_eq(execute(&f, "stop", -EBADF), 0);
        fake_expect(&f, "stop", "\"return\":null");
        ck_assert_uint_eq(f.seen.n_replies, 1);
        ck_assert_str_eq(f.seen.message, "null");
}
END_TEST

static void fake_connect_heir(Fake *f) {
        int fds[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        f->fd = fds[1];
        ck_assert_int_eq(qmp_take_over(f->event, fds[0], on_event, on_closed, &f->seen, &f->seen.qmp), 0);
}

static void take_over(bool is_cut) {
        FAKE(f);

        fake_connect_heir(&f);
        ck_assert_int_eq(execute(&f, "stop", -EBADF), 0);
        if (is_cut) /* what was under way when the other daemon ended */
                fake_say(&f, "ta\": {}}\r\n{\"return\":{},\"id\":\"other\"}\n{\"event\":\"STOP\"}\n");
        fake_expect(&f, "qmp_capabilities", "\"error\":{\"class\":\"CommandNotFound\"}");
        fake_expect(&f, "query-version", "\"return\":{\"qemu\":{\"major\":11,\"minor\":1,\"micro\":2}}");
        fake_expect(&f, "stop", "\"return\":{}");
        ck_assert_uint_eq(f.seen.n_replies, 1);
        ck_assert_int_eq(f.seen.error, 0);
        ck_assert_uint_eq(f.seen.n_events, is_cut ? 1 : 0);
        ck_assert_uint_eq(qmp_version(f.seen.qmp), 11 << 16 | 1 << 8 | 2);
}

START_TEST(waits_for_no_greeting_it_was_told_of) {
        take_over(false);
}
END_TEST

START_TEST(takes_over_in_the_midst_of_a_line) {
        take_over(true);
}
END_TEST

START_TEST(understands_a_greeting_that_is_late) {
        FAKE(f);

        fake_connect_heir(&f);
        ck_assert_int_eq(execute(&f, "stop", -EBADF), 0);
        fake_settle(&f);
        fake_say(&f, GREETING);
        ck_assert_uint_eq(qmp_version(f.seen.qmp), 7 << 16 | 2 << 8 | 22);
        fake_expect(&f, "qmp_capabilities", "\"return\":{}");
        fake_expect(&f, "stop", "\"return\":{}");
        ck_assert_uint_eq(f.seen.n_replies, 1);
        ck_assert_int_eq(f.seen.error, 0);
}
END_TEST

/* A line that was cut is forgiven once, at the very beginning. */
START_TEST(takes_no_other_nonsense_over) {
        FAKE(f);

        fake_connect_heir(&f);
        fake_say(&f, "ta\": {}}\n");
        ck_assert_uint_eq(f.seen.n_closed, 0);
        fake_say(&f, "ta\": {}}\n");
        ck_assert_uint_eq(f.seen.n_closed, 1);
        ck_assert_int_eq(f.seen.closed_error, -EBADMSG);
}
END_TEST

START_TEST(reports_refusals) {
        FAKE(f);

        fake_ready(&f);
        ck_assert_int_eq(execute(&f, "migrate", -EBADF), 0);
        fake_expect(&f, "migrate", "\"error\":{\"class\":\"GenericError\",\"desc\":\"no such port\"}");
        ck_assert_int_eq(f.seen.error, -EREMOTEIO);
        ck_assert_str_eq(f.seen.message, "no such port");
        ck_assert_int_eq(execute(&f, "migrate", -EBADF), 0);
        fake_expect(&f, "migrate", "\"error\":{\"desc\":7}");
        ck_assert_uint_eq(f.seen.n_replies, 2);
        ck_assert_int_eq(f.seen.error, -EREMOTEIO);
        ck_assert_uint_eq(f.seen.n_closed, 0);
}
END_TEST

START_TEST(ignores_a_late_answer) {
        FAKE(f);
        _cleanup_json_ json_object *late = NULL;

        fake_ready(&f);
        ck_assert_int_eq(qmp_execute(f.seen.qmp, "stop", NULL, -EBADF, 20000, on_reply, &f.seen), 0);
        late = fake_hear(&f, NULL);
        WAIT_FOR(&f, n_replies, 1);
        ck_assert_int_eq(f.seen.error, -ETIMEDOUT);
        ck_assert_str_eq(f.seen.message, "QEMU did not answer stop in time");

        ck_assert_int_eq(execute(&f, "cont", -EBADF), 0);
        fake_settle(&f);
        fake_answer(&f, late, "\"return\":{\"late\":true}");
        ck_assert_uint_eq(f.seen.n_replies, 1);
        fake_expect(&f, "cont", "\"return\":{}");
        ck_assert_uint_eq(f.seen.n_replies, 2);
        ck_assert_int_eq(f.seen.error, 0);
        ck_assert_uint_eq(f.seen.n_closed, 0);
}
END_TEST

START_TEST(never_sends_what_timed_out) {
        FAKE(f);

        fake_connect(&f);
        ck_assert_int_eq(qmp_execute(f.seen.qmp, "quit", NULL, -EBADF, 20000, on_reply, &f.seen), 0);
        ck_assert_int_eq(qmp_execute(f.seen.qmp, "cont", NULL, -EBADF, UINT64_MAX, NULL, NULL), 0);
        WAIT_FOR(&f, n_replies, 1);
        fake_say(&f, GREETING);
        fake_expect(&f, "qmp_capabilities", "\"return\":{}");
        fake_expect(&f, "cont", "\"return\":{}");
        ck_assert_uint_eq(f.seen.n_replies, 1);
}
END_TEST

START_TEST(looks_before_it_gives_up) {
        FAKE(f);
        _cleanup_json_ json_object *command = NULL;
        _cleanup_free_ char *text = NULL;
        const char *id;

        fake_ready(&f);
        ck_assert_int_eq(qmp_execute(f.seen.qmp, "stop", NULL, -EBADF, 20000, on_reply, &f.seen), 0);
        command = fake_hear(&f, NULL);
        ck_assert_int_eq(json_get_string(command, "id", &id), 0);
        ck_assert_int_gt(asprintf(&text, "{\"return\":{},\"id\":\"%s\"}\n", id), 0);
        ck_assert_int_eq(write_full(f.fd, text, strlen(text)), 0);
        usleep(50000); /* as if the loop had been busy elsewhere */
        fake_settle(&f);
        ck_assert_uint_eq(f.seen.n_replies, 1);
        ck_assert_int_eq(f.seen.error, 0);
}
END_TEST

START_TEST(sends_one_fd_at_a_time) {
        _cleanup_fd_ int memory = -EBADF, first_fd = -EBADF, second_fd = -EBADF;
        _cleanup_json_ json_object *first = NULL, *second = NULL;
        FAKE(f);
        struct stat a, b;

        fake_ready(&f);
        ck_assert_int_eq(memfd_new_with("test", "abc", 3, &memory), 0);
        ck_assert_int_eq(execute(&f, "getfd", memory), 0);
        ck_assert_int_eq(execute(&f, "add-fd", memory), 0);
        ck_assert_int_eq(fstat(memory, &a), 0);
        memory = fd_close(memory); /* was lent for the call only */

        first = fake_hear(&f, &first_fd);
        ck_assert_int_ge(first_fd, 0);
        ck_assert_int_eq(fstat(first_fd, &b), 0);
        ck_assert(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
        ck_assert_ptr_null(fake_hear(&f, NULL));
        fake_answer(&f, first, "\"return\":{}");
        second = fake_hear(&f, &second_fd);
        ck_assert_ptr_nonnull(second);
        ck_assert_int_ge(second_fd, 0);
}
END_TEST

START_TEST(closes_once_after_all_replies) {
        FAKE(f);

        fake_ready(&f);
        for (unsigned i = 0; i < 3; i++)
                ck_assert_int_eq(execute(&f, "cont", -EBADF), 0);
        fake_settle(&f);
        ck_assert_int_eq(write_full(f.fd, "{\"event\":\"SHUTDOWN\",\"data\":{}}\n{\"ev", 36), 0);
        f.fd = fd_close(f.fd);
        ck_assert_int_eq(execute(&f, "cont", -EBADF), 0);
        fake_settle(&f);
        ck_assert_str_eq(f.seen.event, "SHUTDOWN");
        ck_assert_uint_eq(f.seen.n_replies, 4);
        ck_assert_int_eq(f.seen.error, -ECONNRESET);
        ck_assert_uint_eq(f.seen.n_closed, 1);
        ck_assert_int_eq(f.seen.closed_error, -ECONNRESET);
        ck_assert_int_eq(execute(&f, "cont", -EBADF), -ENOTCONN);
        ck_assert_int_eq(qmp_set_priority(f.seen.qmp, 0), -ENOTCONN);
}
END_TEST

static void execute_and_wait(Fake *f, const char *name, const char *arguments, int fd) {
        unsigned n = f->seen.n_replies;
        json_object *o = NULL;

        if (arguments)
                ck_assert_int_eq(json_parse_object(arguments, strlen(arguments), &o), 0);
        ck_assert_int_eq(qmp_execute(f->seen.qmp, name, o, fd, TIMEOUT_USEC, on_reply, &f->seen), 0);
        WAIT_FOR(f, n_replies, n + 1);
}

static pid_t real_connect(Fake *f, const char *qemu) {
        char chardev[64];
        char *argv[] = { (char *) qemu, (char *) "-M", (char *) "none", (char *) "-S",
                (char *) "-nodefaults", (char *) "-display", (char *) "none", (char *) "-accel",
                (char *) "tcg", (char *) "-chardev", chardev, (char *) "-mon",
                (char *) "chardev=m,mode=control", NULL };
        int fds[2];
        pid_t pid;

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        snprintf(chardev, sizeof(chardev), "socket,id=m,fd=%i,server=off", fds[1]);
        pid = qemu_spawn(argv, &fds[1], 1);
        ck_assert_int_gt(pid, 0);
        fd_close(fds[1]);
        f->fd = fcntl(fds[0], F_DUPFD_CLOEXEC, 3);
        ck_assert_int_eq(qmp_new(f->event, fds[0], on_event, on_closed, &f->seen, &f->seen.qmp), 0);
        return pid;
}

START_TEST(talks_to_a_real_qemu) {
        const char *qemu = qemu_find();
        _cleanup_fd_ int memory = -EBADF;
        FAKE(f);
        pid_t pid;

        if (!qemu)
                return;
        pid = real_connect(&f, qemu);
        ck_assert_int_eq(memfd_new_with("test", NULL, 4096, &memory), 0);

        execute_and_wait(&f, "query-status", NULL, -EBADF);
        ck_assert_int_eq(f.seen.error, 0);
        ck_assert_uint_ge(qmp_version(f.seen.qmp), 5 << 16);
        ck_assert_ptr_nonnull(strstr(f.seen.message, "prelaunch"));
        execute_and_wait(&f, "getfd", "{\"fdname\":\"state\"}", memory);
        ck_assert_int_eq(f.seen.error, 0);
        execute_and_wait(&f, "add-fd", "{\"fdset-id\":1}", memory);
        ck_assert_int_eq(f.seen.error, 0);
        ck_assert_ptr_nonnull(strstr(f.seen.message, "\"fdset-id\":1"));
        execute_and_wait(&f, "getfd", "{\"fdname\":\"none\"}", -EBADF);
        ck_assert_int_eq(f.seen.error, -EREMOTEIO);
        ck_assert_ptr_nonnull(strstr(f.seen.message, "SCM_RIGHTS"));
        execute_and_wait(&f, "query-qmp-schema", NULL, -EBADF);
        ck_assert_int_eq(f.seen.error, 0);

        /* Another daemon's turn, on the same connection. */
        f.seen.qmp = qmp_free(f.seen.qmp);
        ck_assert_int_eq(qmp_new(f.event, TAKE_FD(f.fd), on_event, on_closed, &f.seen, &f.seen.qmp), 0);
        execute_and_wait(&f, "query-status", NULL, -EBADF);
        ck_assert_int_eq(f.seen.error, 0);
        ck_assert_uint_ge(qmp_version(f.seen.qmp), 5 << 16);

        execute_and_wait(&f, "quit", NULL, -EBADF);
        WAIT_FOR(&f, n_closed, 1);
        ck_assert_str_eq(f.seen.event, "SHUTDOWN");
        ck_assert_int_eq(f.seen.closed_error, -ECONNRESET);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

UNIT_MAIN("qmp", negotiates_then_executes, takes_over_a_negotiated_connection,
                passes_over_what_was_for_another, waits_for_no_greeting_it_was_told_of,
                takes_over_in_the_midst_of_a_line, understands_a_greeting_that_is_late,
                takes_no_other_nonsense_over, reports_refusals, ignores_a_late_answer,
                never_sends_what_timed_out, looks_before_it_gives_up, sends_one_fd_at_a_time,
                closes_once_after_all_replies, talks_to_a_real_qemu)
