/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A workload that is not carried over but has a device of its own: it is paused with the others, and goes on with them
 * when the update is undone; and a fd of its device in the session of one that is carried over. */

#include "workload-fixture.h"

#define STATUS(running, status) "\"return\":{\"status\":\"" status "\",\"running\":" running ",\"singlestep\":false}"

static void halt(Host *h, Workload *w, const char *status) {
        workload_halt(w, on_done, h);
        fake_expect(&h->f, "query-status", status);
        fake_expect(&h->f, "stop", NOTHING);
        host_wait_for(h, &h->n_done, 1);
        ck_assert_int_eq(h->error, 0);
        ck_assert_int_eq(workload_state(w), WORKLOAD_PAUSED);
}

START_TEST(it_is_paused_and_goes_on) {
        HOST(h);
        Workload *w = host_begin(&h);

        halt(&h, w, STATUS("true", "running"));
        ck_assert_uint_eq(luo.n_preserved, 0);
        workload_cancel(w, on_done, &h);
        fake_expect(&h.f, "cont", NOTHING);
        host_wait_for(&h, &h.n_done, 2);
        ck_assert_int_eq(h.error, 0);
        ck_assert_int_eq(workload_state(w), WORKLOAD_RUNNING);
}
END_TEST

START_TEST(one_that_its_owner_had_stopped_stays_stopped) {
        HOST(h);
        Workload *w = host_begin(&h);

        halt(&h, w, STATUS("false", "paused"));
        workload_cancel(w, on_done, &h);
        host_wait_for(&h, &h.n_done, 2);
        host_assert_silent(&h);
        ck_assert_int_eq(workload_state(w), WORKLOAD_RUNNING);
}
END_TEST

START_TEST(a_successor_has_it_go_on) {
        HOST(h);

        halt(&h, host_begin(&h), STATUS("true", "running"));
        host_assert_kept(&h, KEPT("process", "ram", "qmp", "description"));
        host_restart_daemon(&h);
        host_answer_take_over(&h, VERSION_7_2, "paused", NULL);
        fake_expect(&h.f, "cont", NOTHING);
        manager_settle(&h.m);
        host_assert_kept(&h, KEPT("process", "ram", "qmp"));
}
END_TEST

START_TEST(it_goes_on_also_when_it_is_not_halted_yet) {
        HOST(h);
        Workload *w = host_begin(&h);

        ck_assert(!workload_is_busy(w));
        workload_halt(w, on_done, &h);
        ck_assert(workload_is_busy(w));
        ck_assert(workload_is_halted(w));
        workload_cancel(w, on_done, &h);
        ck_assert(!workload_is_halted(w));
        fake_expect(&h.f, "query-status", STATUS("true", "running"));
        fake_expect(&h.f, "stop", NOTHING);
        host_expect_later(&h, "cont", NOTHING);
        host_wait_for(&h, &h.n_done, 1);
        ck_assert_int_eq(workload_state(w), WORKLOAD_RUNNING);
        ck_assert_uint_eq(h.n_done, 1); /* the halt is not told of any more */
}
END_TEST

START_TEST(one_that_does_not_stop_is_told_of) {
        HOST(h);
        Workload *w = host_begin(&h);

        workload_halt(w, on_done, &h);
        fake_expect(&h.f, "query-status", STATUS("true", "running"));
        fake_expect(&h.f, "stop", "\"error\":{\"class\":\"GenericError\",\"desc\":\"no\"}");
        host_wait_for(&h, &h.n_done, 1);
        ck_assert_int_lt(h.error, 0);
        ck_assert_int_eq(workload_state(w), WORKLOAD_RUNNING);
}
END_TEST

START_TEST(devices_are_preserved_beside_the_rest) {
        HOST(h);
        _cleanup_fd_ int fd = eventfd(0, EFD_CLOEXEC);
        Workload *w = host_begin(&h);

        ck_assert_int_eq(workload_create_session(w, -EBADF), 0);
        ck_assert_int_eq(workload_preserve_device(w, fd), 0);
        ck_assert_int_eq(workload_preserve_device(w, fd), 0);
        ck_assert_int_gt(luo.fds[16], 0);
        ck_assert_int_gt(luo.fds[17], 0);
        luo.preserve_error[18] = -ENOENT;
        ck_assert_int_eq(workload_preserve_device(w, fd), -ENOENT); /* the word of Linux 7.3 */
        ck_assert_uint_eq(luo.n_preserved, 2);
}
END_TEST

UNIT_MAIN("halt", it_is_paused_and_goes_on, one_that_its_owner_had_stopped_stays_stopped, a_successor_has_it_go_on,
                it_goes_on_also_when_it_is_not_halted_yet, one_that_does_not_stop_is_told_of,
                devices_are_preserved_beside_the_rest)
