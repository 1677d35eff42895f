/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Workloads that run under the kernel of both daemons. */

#include "workload-fixture.h"

#define RUNNING "\"return\":{\"status\":\"running\",\"running\":true,\"singlestep\":false}"
#define STOPPED "\"return\":{\"status\":\"paused\",\"running\":false,\"singlestep\":false}"
#define COMPLETED "{\"event\":\"MIGRATION\",\"data\":{\"status\":\"completed\"}}\n"

/* As far as the step before pause. */
static void prepare(Host *h, Workload *w, const char *status) {
        ck_assert_int_eq(workload_create_session(w, -EBADF), 0);
        workload_prepare(w, on_done, h);
        fake_expect(&h->f, "query-cpus-fast", "\"return\":[]");
        fake_expect(&h->f, "query-iothreads", "\"return\":[]");
        fake_expect(&h->f, "query-status", status);
        fake_expect(&h->f, "migrate-set-capabilities", NOTHING);
        fake_expect(&h->f, "migrate-set-parameters", NOTHING);
        fake_expect(&h->f, "getfd", NOTHING);
        host_wait_for(h, &h->n_done, 1);
        ck_assert_int_eq(h->error, 0);
}

static void pause_guest(Host *h, Workload *w) {
        workload_pause(w, on_done, h);
        fake_expect(&h->f, "stop", NOTHING);
        host_wait_for(h, &h->n_done, 2);
        ck_assert_int_eq(workload_state(w), WORKLOAD_PAUSED);
}

static void save(Host *h, Workload *w) {
        workload_save(w, on_done, h);
        fake_expect(&h->f, "migrate", NOTHING);
        fake_say(&h->f, COMPLETED);
        host_wait_for(h, &h->n_done, 3);
        ck_assert_int_eq(workload_state(w), WORKLOAD_SAVED);
}

static json_object *description(void) {
        _cleanup_free_ char *text = NULL;
        json_object *o = NULL;
        size_t size;

        ck_assert_int_eq(read_fd(luo.fds[0], 8192, &text, &size), 0);
        ck_assert_uint_eq(size, 4096);
        ck_assert_int_eq(json_parse_object(text, size, &o), 0);
        return o;
}

START_TEST(a_running_one_is_taken_over) {
        HOST(h);
        Workload *w = host_begin(&h);

        host_assert_kept(&h, KEPT("process", "ram", "qmp"));
        host_restart_daemon(&h);
        w = registry_get(h.registry, "vm");
        ck_assert_ptr_nonnull(w);
        ck_assert_int_eq(workload_state(w), WORKLOAD_RUNNING);
        ck_assert_ptr_nonnull(workload_problem(w)); /* it cannot be updated before it has answered */
        ck_assert_int_eq(workload_pid(w), h.pid);
        ck_assert_str_eq(workload_kind(w), "qemu");

        host_answer_take_over(&h, VERSION_7_2, "running", NULL);
        ck_assert_msg(!workload_problem(w), "%s", workload_problem(w));
        ck_assert_int_eq(workload_state(w), WORKLOAD_RUNNING);
        ck_assert(!workload_is_preserved(w));
        host_assert_silent(&h);
        host_assert_kept(&h, KEPT("process", "ram", "qmp"));
        ck_assert_uint_eq(h.n_ready, 0);

        /* And taken through an update as if nothing had been. */
        prepare(&h, w, RUNNING);
        pause_guest(&h, w);
        save(&h, w);

        host_kill(&h);
        host_wait_for(&h, &h.n_gone, 1);
        ck_assert_ptr_null(registry_get(h.registry, "vm"));
        ck_assert_uint_eq(manager_count(&h.m), 0);
}
END_TEST

START_TEST(what_cannot_be_saved_is_told_again) {
        HOST(h);

        host_begin(&h);
        host_restart_daemon(&h);
        fake_expect(&h.f, "qmp_capabilities", NEGOTIATED);
        fake_expect(&h.f, "query-version", VERSION_11_1);
        fake_expect(&h.f, "query-status", RUNNING);
        fake_expect(&h.f, "query-migrate", "\"return\":{\"blocked-reasons\":[\"a device\"]}");
        ck_assert_str_eq(workload_problem(registry_get(h.registry, "vm")), "QEMU cannot save its state: a device");
}
END_TEST

/* The one before had not heard QEMU's greeting yet. */
START_TEST(one_that_comes_up_late_is_taken_over) {
        HOST(h);
        Workload *w;

        ck_assert_int_eq(host_register(&h, &w), 0);
        host_restart_daemon(&h);
        fake_say(&h.f, GREETING);
        fake_expect(&h.f, "qmp_capabilities", NOTHING);
        fake_expect(&h.f, "query-status", RUNNING);
        fake_expect(&h.f, "query-migrate", NOTHING);
        ck_assert_ptr_null(workload_problem(registry_get(h.registry, "vm")));
}
END_TEST

START_TEST(the_description_is_preserved_in_prepare) {
        HOST(h);
        Workload *w = host_begin(&h);
        _cleanup_json_ json_object *before = NULL, *after = NULL;
        uint64_t usec = 1, size = 0;
        const char *name = NULL;
        bool was_running = false;

        prepare(&h, w, RUNNING);
        ck_assert_uint_eq(luo.n_preserved, 2); /* the state is not known yet */
        before = description();
        ck_assert_int_eq(json_get_u64(before, "pausedTsc", &usec), 0);
        ck_assert_uint_eq(usec, 0);
        host_assert_kept(&h, KEPT("process", "ram", "qmp", "description", "state"));

        pause_guest(&h, w);
        save(&h, w);
        ck_assert_uint_eq(luo.n_preserved, 3);
        after = description();
        ck_assert_int_eq(json_get_u64(after, "pausedTsc", &usec), 0);
        ck_assert_uint_gt(usec, 0);
        ck_assert_int_eq(json_get_string(after, "name", &name), 0);
        ck_assert_str_eq(name, "vm");
        ck_assert_int_eq(json_get_u64(after, "ramBytes", &size), 0);
        ck_assert_uint_eq(size, RAM_BYTES);
        ck_assert_int_eq(json_get_bool(after, "wasRunning", &was_running), 0);
        ck_assert(was_running);
}
END_TEST

START_TEST(a_cancelled_update_leaves_nothing) {
        HOST(h);
        Workload *w = host_begin(&h);

        prepare(&h, w, RUNNING);
        pause_guest(&h, w);
        save(&h, w);
        workload_cancel(w, on_done, &h);
        /* As long as the guest stands still, the next daemon has to know. */
        host_assert_kept(&h, KEPT("process", "ram", "qmp", "description", "state"));
        fake_expect(&h.f, "cont", NOTHING);
        host_wait_for(&h, &h.n_done, 4);
        ck_assert_int_eq(h.error, 0);
        host_assert_kept(&h, KEPT("process", "ram", "qmp"));

        /* The same again, given up before the pause. */
        h.n_done = 0;
        prepare(&h, w, RUNNING);
        workload_cancel(w, on_done, &h);
        host_wait_for(&h, &h.n_done, 2);
        host_assert_kept(&h, KEPT("process", "ram", "qmp"));
        host_assert_silent(&h);
}
END_TEST

/* Undoing is done step by step, so it is cancelled more than once. */
START_TEST(a_guest_that_does_not_go_on_is_left_to_the_next_daemon) {
        HOST(h);
        Workload *w = host_begin(&h);

        prepare(&h, w, RUNNING);
        pause_guest(&h, w);
        workload_cancel(w, on_done, &h);
        fake_expect(&h.f, "cont", NULL);
        h.f.fd = fd_close(h.f.fd);
        host_wait_for(&h, &h.n_done, 3);
        ck_assert_int_lt(h.error, 0);
        workload_cancel(w, on_done, &h);
        host_wait_for(&h, &h.n_done, 4);
        host_assert_kept(&h, KEPT("process", "ram", "description", "state"));
}
END_TEST

START_TEST(a_failed_preservation_fails_prepare) {
        HOST(h);
        Workload *w = host_begin(&h);

        luo.preserve_error[_i] = -ENOMEM;
        ck_assert_int_eq(workload_create_session(w, -EBADF), 0);
        workload_prepare(w, on_done, &h);
        fake_expect(&h.f, "query-cpus-fast", "\"return\":[]");
        fake_expect(&h.f, "query-iothreads", "\"return\":[]");
        fake_expect(&h.f, "query-status", RUNNING);
        fake_expect(&h.f, "migrate-set-capabilities", NOTHING);
        fake_expect(&h.f, "migrate-set-parameters", NOTHING);
        fake_expect(&h.f, "getfd", NOTHING);
        host_wait_for(&h, &h.n_done, 1);
        ck_assert_int_eq(h.error, -ENOMEM);
        workload_cancel(w, on_done, &h);
        host_wait_for(&h, &h.n_done, 2);
        host_assert_kept(&h, KEPT("process", "ram", "qmp"));
}
END_TEST

START_TEST(a_saved_guest_runs_on) {
        HOST(h);
        Workload *w = host_begin(&h);

        prepare(&h, w, RUNNING);
        pause_guest(&h, w);
        save(&h, w);
        host_restart_daemon(&h);
        w = registry_get(h.registry, "vm");
        ck_assert_int_eq(workload_state(w), WORKLOAD_RUNNING);
        host_answer_take_over(&h, VERSION_11_1, "postmigrate", "completed");
        fake_expect(&h.f, "remove-fd", "\"error\":{\"class\":\"GenericError\",\"desc\":\"no such fd set\"}");
        fake_expect(&h.f, "cont", "\"error\":{\"class\":\"GenericError\",\"desc\":\"not finalized\"}");
        host_assert_kept(&h, KEPT("process", "ram", "qmp", "description", "state"));
        host_expect_later(&h, "cont", NOTHING);
        host_assert_kept(&h, KEPT("process", "ram", "qmp"));
        ck_assert_msg(!workload_problem(w), "%s", workload_problem(w));
        host_assert_silent(&h);

        /* What is over is over. */
        host_restart_daemon(&h);
        host_answer_take_over(&h, VERSION_11_1, "paused", "completed");
        host_assert_silent(&h);
}
END_TEST

START_TEST(a_migration_under_way_is_cancelled) {
        HOST(h);
        Workload *w = host_begin(&h);

        prepare(&h, w, RUNNING);
        pause_guest(&h, w);
        workload_save(w, on_done, &h);
        fake_expect(&h.f, "migrate", NULL);
        host_restart_daemon(&h);
        host_answer_take_over(&h, VERSION_7_2, "finish-migrate", "active");
        fake_expect(&h.f, "migrate_cancel", NOTHING);
        fake_expect(&h.f, "cont", NOTHING);
        host_assert_kept(&h, KEPT("process", "ram", "qmp"));
        ck_assert_ptr_null(workload_problem(registry_get(h.registry, "vm")));
}
END_TEST

START_TEST(a_guest_its_owner_stopped_stays_stopped) {
        HOST(h);

        prepare(&h, host_begin(&h), STOPPED);
        host_restart_daemon(&h);
        host_answer_take_over(&h, VERSION_7_2, "paused", NULL);
        host_assert_silent(&h);
        host_assert_kept(&h, KEPT("process", "ram", "qmp"));
        ck_assert_ptr_null(workload_problem(registry_get(h.registry, "vm")));
}
END_TEST

START_TEST(a_guest_that_was_not_paused_yet_runs_on) {
        HOST(h);

        prepare(&h, host_begin(&h), RUNNING);
        host_restart_daemon(&h);
        host_answer_take_over(&h, VERSION_7_2, "running", NULL);
        host_assert_silent(&h);
        host_assert_kept(&h, KEPT("process", "ram", "qmp"));
}
END_TEST

/* It stands still for a reason of its own. */
START_TEST(a_guest_that_crashed_is_left_alone) {
        HOST(h);

        prepare(&h, host_begin(&h), RUNNING);
        host_restart_daemon(&h);
        host_answer_take_over(&h, VERSION_7_2, "guest-panicked", NULL);
        host_assert_silent(&h);
        host_assert_kept(&h, KEPT("process", "ram", "qmp"));
}
END_TEST

START_TEST(a_damaged_description_stops_no_guest) {
        HOST(h);
        Workload *w = host_begin(&h);

        prepare(&h, w, RUNNING);
        pause_guest(&h, w);
        ck_assert_int_eq((int) pwrite(manager_find(&h.m, "description/vm"), "x", 1, 0), 1);
        host_restart_daemon(&h);
        host_answer_take_over(&h, VERSION_7_2, "paused", NULL);
        fake_expect(&h.f, "cont", NOTHING);
        host_assert_kept(&h, KEPT("process", "ram", "qmp"));
}
END_TEST

/* The daemon dies once more, between the questions and the answers. */
START_TEST(a_take_over_can_be_taken_over) {
        HOST(h);
        Workload *w = host_begin(&h);

        prepare(&h, w, RUNNING);
        pause_guest(&h, w);
        host_restart_daemon(&h);
        fake_expect(&h.f, "qmp_capabilities", NEGOTIATED);
        fake_expect(&h.f, "query-version", VERSION_7_2);
        fake_expect(&h.f, "query-status", NULL);
        fake_expect(&h.f, "query-migrate", NULL);
        host_restart_daemon(&h);
        fake_say(&h.f, "{\"return\":{\"status\":\"running\"},\"id\":\"of the one before\"}\n");
        host_answer_take_over(&h, VERSION_7_2, "paused", NULL);
        fake_expect(&h.f, "cont", NOTHING);
        host_assert_kept(&h, KEPT("process", "ram", "qmp"));
}
END_TEST

START_TEST(a_process_that_ended_meanwhile_is_forgotten) {
        HOST(h);

        host_begin(&h);
        if (_i == 0) {
                host_kill(&h);
        } else {
                ck_assert_int_eq(kill(h.pid, SIGKILL), 0); /* a zombie, whose parent is slow */
                ck_assert_int_eq(waitid(P_PID, (id_t) h.pid, &(siginfo_t) {}, WEXITED | WNOWAIT), 0);
        }
        h.f.fd = fd_close(h.f.fd);
        host_restart_daemon(&h);
        ck_assert_uint_eq(registry_size(h.registry), 0);
        ck_assert_uint_eq(manager_count(&h.m), 0);
}
END_TEST

START_TEST(a_process_that_ends_before_it_answers_is_gone) {
        HOST(h);

        host_begin(&h);
        host_restart_daemon(&h);
        host_kill(&h);
        host_wait_for(&h, &h.n_gone, 1);
        ck_assert_uint_eq(registry_size(h.registry), 0);
        ck_assert_uint_eq(manager_count(&h.m), 0);
}
END_TEST

START_TEST(one_whose_qmp_ended_cannot_survive) {
        HOST(h);
        Workload *w;

        host_begin(&h);
        if (_i == 0)
                h.f.fd = fd_close(h.f.fd); /* while nobody looked */
        host_restart_daemon(&h);
        if (_i == 1)
                h.f.fd = fd_close(h.f.fd); /* before it answered */
        fake_settle(&h.f);
        w = registry_get(h.registry, "vm");
        ck_assert_ptr_nonnull(w);
        ck_assert_int_eq(workload_state(w), WORKLOAD_RUNNING);
        ck_assert_ptr_nonnull(strstr(workload_problem(w), "its QMP connection ended"));
        host_assert_kept(&h, KEPT("process", "ram"));
}
END_TEST

START_TEST(one_that_is_not_whole_is_dropped) {
        static const char *const lost[] = { "ram/vm", "process/vm" };
        HOST(h);

        host_begin(&h);
        manager_lose(&h.m, lost[_i]);
        host_restart_daemon(&h);
        ck_assert_uint_eq(registry_size(h.registry), 0);
        ck_assert_uint_eq(manager_count(&h.m), 0);
}
END_TEST

START_TEST(what_is_not_what_it_is_called_is_dropped) {
        static const char *const names[] = { "ram/vm", "process/vm" };
        HOST(h);
        int ends[2];

        host_begin(&h);
        manager_lose(&h.m, names[_i]);
        ck_assert_int_eq(pipe(ends), 0);
        ck_assert_int_eq(store_keep(names[_i], ends[1]), 0);
        host_restart_daemon(&h);
        ck_assert_uint_eq(registry_size(h.registry), 0);
        ck_assert_uint_eq(manager_count(&h.m), 0);
        fd_close(ends[0]);
        fd_close(ends[1]);
}
END_TEST

START_TEST(strange_names_are_dropped) {
        static const char *const names[] = { "ram/", "ram/../x", "process/.x", "session/a b", "state/a/b",
                "qmp/aaaaaaaaaabbbbbbbbbbccccccccccddddddddddX" };
        HOST(h);

        host_begin(&h);
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                ck_assert_int_eq(store_keep(names[i], h.ram_fd), 0);
                manager_settle(&h.m);
        }
        ck_assert_int_eq(store_keep("manifest", h.ram_fd), 0); /* somebody else's: not taken, so dropped */
        host_restart_daemon(&h);
        ck_assert_uint_eq(registry_size(h.registry), 1);
        host_assert_kept(&h, KEPT("process", "ram", "qmp"));
}
END_TEST

/* Of two sets the newer one counts, and its names stay. */
START_TEST(an_older_one_of_the_same_name_is_passed_over) {
        _cleanup_fd_ int older = -EBADF;
        HOST(h);

        ck_assert_int_eq(memfd_new_with("older", NULL, 2 * RAM_BYTES, &older), 0);
        ck_assert_int_eq(store_keep("ram/vm", older), 0);
        host_begin(&h);
        host_restart_daemon(&h);
        ck_assert_uint_eq(registry_size(h.registry), 1);
        ck_assert_int_eq((int) lseek(workload_ram_fd(registry_get(h.registry, "vm")), 0, SEEK_END), RAM_BYTES);
        ck_assert_int_ge(manager_find(&h.m, "process/vm"), 0);
        ck_assert_int_ge(manager_find(&h.m, "qmp/vm"), 0);
        ck_assert_int_ge(manager_find(&h.m, "ram/vm"), 0);
}
END_TEST

START_TEST(nothing_is_inherited_from_nobody) {
        HOST(h);

        host_restart_daemon(&h);
        ck_assert_uint_eq(registry_size(h.registry), 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("inherit");
        TCase *cases = tcase_create("inherit");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_test(cases, a_running_one_is_taken_over);
        tcase_add_test(cases, what_cannot_be_saved_is_told_again);
        tcase_add_test(cases, one_that_comes_up_late_is_taken_over);
        tcase_add_test(cases, the_description_is_preserved_in_prepare);
        tcase_add_test(cases, a_cancelled_update_leaves_nothing);
        tcase_add_test(cases, a_guest_that_does_not_go_on_is_left_to_the_next_daemon);
        tcase_add_loop_test(cases, a_failed_preservation_fails_prepare, 0, 2);
        tcase_add_test(cases, a_saved_guest_runs_on);
        tcase_add_test(cases, a_migration_under_way_is_cancelled);
        tcase_add_test(cases, a_guest_its_owner_stopped_stays_stopped);
        tcase_add_test(cases, a_guest_that_was_not_paused_yet_runs_on);
        tcase_add_test(cases, a_guest_that_crashed_is_left_alone);
        tcase_add_test(cases, a_damaged_description_stops_no_guest);
        tcase_add_test(cases, a_take_over_can_be_taken_over);
        tcase_add_loop_test(cases, a_process_that_ended_meanwhile_is_forgotten, 0, 2);
        tcase_add_test(cases, a_process_that_ends_before_it_answers_is_gone);
        tcase_add_loop_test(cases, one_whose_qmp_ended_cannot_survive, 0, 2);
        tcase_add_loop_test(cases, one_that_is_not_whole_is_dropped, 0, 2);
        tcase_add_loop_test(cases, what_is_not_what_it_is_called_is_dropped, 0, 2);
        tcase_add_test(cases, strange_names_are_dropped);
        tcase_add_test(cases, an_older_one_of_the_same_name_is_passed_over);
        tcase_add_test(cases, nothing_is_inherited_from_nobody);
        suite_add_tcase(suite, cases);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
