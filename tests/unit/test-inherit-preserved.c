/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Workloads that came over from the previous kernel, and whose daemon is restarted before they are finished. */

#include "workload-fixture.h"

#define COMPLETED "{\"event\":\"MIGRATION\",\"data\":{\"status\":\"completed\"}}\n"
#define FAILED "{\"event\":\"MIGRATION\",\"data\":{\"status\":\"failed\"}}\n"
#define PRESERVED "session", "description", "ram", "state"
#define CLAIMED PRESERVED, "process", "qmp"

static Workload *retrieve(Host *h, int expected) {
        Workload *w = NULL;

        ck_assert_int_eq(registry_add_preserved(h->registry, "vm", eventfd(0, EFD_CLOEXEC), &w), expected);
        ck_assert_ptr_nonnull(w);
        manager_settle(&h->m);
        return w;
}

/* What the previous kernel's daemon left, retrieved by the first one of this kernel. */
static Workload *come_over(Host *h, bool was_running) {
        char description[256];

        snprintf(description, sizeof(description),
                        "{\"name\":\"vm\",\"kind\":\"qemu\",\"uid\":%u,\"ramBytes\":%u,\"pausedTsc\":1,"
                        "\"wasRunning\":%s}",
                        (unsigned) getuid(), RAM_BYTES, was_running ? "true" : "false");
        ck_assert_int_eq(memfd_new_with("description", description, strlen(description), &luo.fds[0]), 0);
        ck_assert_int_eq(memfd_new_with("ram", NULL, RAM_BYTES, &luo.fds[1]), 0);
        ck_assert_int_eq(memfd_new_with("state", "state", 5, &luo.fds[2]), 0);
        return retrieve(h, 0);
}

/* Its process comes up, as far as to be loaded. */
static Workload *claim(Host *h) {
        Workload *w = NULL;

        h->n_ready = 0;
        ck_assert_int_eq(host_register(h, &w), 0);
        ck_assert_int_eq(workload_state(w), WORKLOAD_RESTORING);
        fake_say(&h->f, GREETING);
        fake_expect(&h->f, "qmp_capabilities", NOTHING);
        fake_expect(&h->f, "query-migrate", NOTHING);
        ck_assert_uint_eq(h->n_ready, 1);
        ck_assert_int_eq(h->ready_state, WORKLOAD_RESTORING);
        manager_settle(&h->m);
        h->n_ready = 0;
        return w;
}

static Workload *restart(Host *h) {
        Workload *w;

        h->n_ready = h->n_done = 0;
        host_restart_daemon(h);
        w = registry_get(h->registry, "vm");
        ck_assert_ptr_nonnull(w);
        ck_assert(workload_is_preserved(w));
        return w;
}

static void load(Host *h, Workload *w) {
        unsigned n = h->n_done;

        workload_load(w, on_done, h);
        fake_expect(&h->f, "migrate-set-capabilities", NOTHING);
        fake_expect(&h->f, "getfd", NOTHING);
        fake_expect(&h->f, "migrate-incoming", NOTHING);
        fake_say(&h->f, COMPLETED);
        host_wait_for(h, &h->n_done, n + 1);
        ck_assert_int_eq(h->error, 0);
        ck_assert_int_eq(workload_state(w), WORKLOAD_LOADED);
}

static void resume(Host *h, Workload *w) {
        unsigned n = h->n_done;

        workload_resume(w, on_done, h);
        fake_expect(&h->f, "cont", NOTHING);
        host_wait_for(h, &h->n_done, n + 1);
        ck_assert_int_eq(h->error, 0);
        ck_assert_int_eq(workload_state(w), WORKLOAD_RUNNING);
}

/* Where there is nothing left to do it ends at once, but never before it has returned. */
static void done_already(Host *h, Workload *w, void (*step)(Workload *w, WorkloadDoneFunc done, void *userdata)) {
        unsigned n = h->n_done;

        step(w, on_done, h);
        ck_assert_uint_eq(h->n_done, n);
        host_assert_silent(h);
        ck_assert_uint_eq(h->n_done, n + 1);
        ck_assert_int_eq(h->error, 0);
}

static void finish(Host *h, Workload *w) {
        ck_assert_int_eq(workload_finish(w), 0);
        ck_assert_uint_eq(luo.n_finished, 1);
        ck_assert(!workload_is_preserved(w));
        host_assert_kept(h, KEPT("process", "ram", "qmp"));

        /* From now on it is like any other. */
        host_restart_daemon(h);
        w = registry_get(h->registry, "vm");
        ck_assert_int_eq(workload_state(w), WORKLOAD_RUNNING);
        ck_assert(!workload_is_preserved(w));
        host_answer_take_over(h, VERSION_7_2, "running", NULL);
        ck_assert_ptr_null(workload_problem(w));
        ck_assert_uint_eq(luo.n_finished, 1);
}

START_TEST(one_nobody_claimed_stays_preserved) {
        HOST(h);
        Workload *w = come_over(&h, true);

        host_assert_kept(&h, KEPT(PRESERVED));
        ck_assert_uint_eq(luo.n_retrieved, 3);
        w = restart(&h);
        ck_assert_int_eq(workload_state(w), WORKLOAD_PRESERVED);
        ck_assert_ptr_null(workload_problem(w));
        ck_assert_uint_eq(luo.n_retrieved, 3); /* from the store, not anew */
        ck_assert_uint_eq(h.n_ready, 0);

        /* It comes back under the new daemon as it would have under the old one. */
        w = claim(&h);
        host_assert_kept(&h, KEPT(CLAIMED));
        load(&h, w);
        resume(&h, w);
        ck_assert_uint_gt(workload_blackout_usec(w, 1000000), 0);
        finish(&h, w);
}
END_TEST

START_TEST(another_users_is_not_given_away) {
        _cleanup_(workload_registration_done) WorkloadRegistration registration = {
                .name = "vm", .kind = "qemu", .uid = getuid() + 1, .pid = getpid(), .ram_bytes = RAM_BYTES,
                .pid_fd = -EBADF, .ram_fd = -EBADF, .qmp_fd = -EBADF,
        };
        HOST(h);
        Workload *w;

        come_over(&h, true);
        restart(&h);
        ck_assert_int_eq(registry_register(h.registry, &registration, &w), -EPERM);
}
END_TEST

START_TEST(one_that_was_coming_up_is_ready) {
        HOST(h);
        Workload *w;

        come_over(&h, true);
        claim(&h);
        w = restart(&h);
        ck_assert_int_eq(workload_state(w), WORKLOAD_RESTORING);
        ck_assert_int_eq(workload_pid(w), h.pid);
        host_answer_take_over(&h, VERSION_7_2, "inmigrate", NULL);
        ck_assert_uint_eq(h.n_ready, 1);
        ck_assert_int_eq(h.ready_state, WORKLOAD_RESTORING);
        load(&h, w);
        resume(&h, w);
        finish(&h, w);
}
END_TEST

/* It had been told to load, and loads while no daemon looks. */
START_TEST(one_that_was_being_loaded_is_waited_for) {
        static const char *const migrations[] = { "setup", "active" };
        HOST(h);
        Workload *w;

        come_over(&h, true);
        workload_load(claim(&h), on_done, &h);
        fake_expect(&h.f, "migrate-set-capabilities", NOTHING);
        fake_expect(&h.f, "getfd", NOTHING);
        fake_expect(&h.f, "migrate-incoming", NULL);
        w = restart(&h);
        host_answer_take_over(&h, VERSION_7_2, "inmigrate", migrations[_i]);
        ck_assert_uint_eq(h.n_ready, 0);
        fake_say(&h.f, "{\"event\":\"MIGRATION\",\"data\":{\"status\":\"active\"}}\n");
        ck_assert_uint_eq(h.n_ready, 0);
        fake_say(&h.f, COMPLETED);
        ck_assert_uint_eq(h.n_ready, 1);
        ck_assert_int_eq(h.ready_state, WORKLOAD_LOADED);
        done_already(&h, w, workload_load);
        resume(&h, w);
        finish(&h, w);
}
END_TEST

START_TEST(one_that_fails_to_load_meanwhile_is_ready_to_fail) {
        HOST(h);
        Workload *w;

        come_over(&h, true);
        claim(&h);
        w = restart(&h);
        host_answer_take_over(&h, VERSION_7_2, "inmigrate", "active");
        fake_say(&h.f, FAILED);
        ck_assert_uint_eq(h.n_ready, 1);
        ck_assert_int_eq(workload_state(w), WORKLOAD_RESTORING);
        workload_load(w, on_done, &h);
        fake_expect(&h.f, "migrate-set-capabilities", NOTHING);
        fake_expect(&h.f, "getfd", NOTHING);
        fake_expect(&h.f, "migrate-incoming", "\"error\":{\"class\":\"GenericError\",\"desc\":\"started already\"}");
        host_wait_for(&h, &h.n_done, 1);
        ck_assert_int_eq(h.error, -EREMOTEIO);
        host_assert_kept(&h, KEPT(CLAIMED));
}
END_TEST

/* The migration ended between our two questions, or long before. */
static const struct {
        const char *run_state, *migration;
} loaded[] = {
        { "inmigrate",   "completed" },
        { "paused",      "completed" },
        { "paused",      NULL        },
        { "postmigrate", "completed" },
        { "prelaunch",   "completed" },
};

START_TEST(one_that_is_loaded_is_resumed) {
        HOST(h);
        Workload *w;

        come_over(&h, true);
        load(&h, claim(&h));
        w = restart(&h);
        host_answer_take_over(&h, VERSION_7_2, loaded[_i].run_state, loaded[_i].migration);
        ck_assert_uint_eq(h.n_ready, 1);
        ck_assert_int_eq(h.ready_state, WORKLOAD_LOADED);
        done_already(&h, w, workload_load);
        ck_assert_int_eq(workload_state(w), WORKLOAD_LOADED);
        resume(&h, w);
        finish(&h, w);
}
END_TEST

START_TEST(one_its_owner_had_stopped_stays_stopped) {
        HOST(h);
        Workload *w;

        come_over(&h, false);
        load(&h, claim(&h));
        w = restart(&h);
        host_answer_take_over(&h, VERSION_7_2, "paused", "completed");
        done_already(&h, w, workload_load);
        done_already(&h, w, workload_resume);
        ck_assert_int_eq(workload_state(w), WORKLOAD_RUNNING);
}
END_TEST

START_TEST(one_that_runs_already_is_finished) {
        HOST(h);
        Workload *w;

        come_over(&h, true);
        w = claim(&h);
        load(&h, w);
        resume(&h, w);
        w = restart(&h);
        host_answer_take_over(&h, VERSION_7_2, "running", "completed");
        ck_assert_uint_eq(h.n_ready, 1);
        ck_assert_int_eq(h.ready_state, WORKLOAD_RUNNING);
        ck_assert_uint_gt(workload_blackout_usec(w, 1000000), 0);
        done_already(&h, w, workload_load);
        done_already(&h, w, workload_resume);
        ck_assert_int_eq(workload_state(w), WORKLOAD_RUNNING);
        finish(&h, w);
}
END_TEST

START_TEST(one_whose_process_ended_meanwhile_can_be_claimed_again) {
        HOST(h);
        Workload *w;

        come_over(&h, true);
        claim(&h);
        if (_i == 0)
                host_kill(&h);
        w = restart(&h);
        if (_i == 1) {
                host_kill(&h);
                host_wait_for(&h, &h.n_gone, 1);
                fake_settle(&h.f);
        }
        ck_assert_int_eq(workload_state(w), WORKLOAD_PRESERVED);
        ck_assert_ptr_nonnull(strstr(workload_problem(w), "ended before the guest ran"));
        ck_assert_uint_eq(h.n_ready, 0);
        host_assert_kept(&h, KEPT(PRESERVED));

        w = claim(&h);
        ck_assert_ptr_null(workload_problem(w));
        load(&h, w);
        resume(&h, w);
        finish(&h, w);
}
END_TEST

START_TEST(one_whose_qmp_ended_fails_and_can_be_claimed_again) {
        HOST(h);
        Workload *w;

        come_over(&h, true);
        claim(&h);
        if (_i == 0)
                h.f.fd = fd_close(h.f.fd); /* while nobody looked */
        w = restart(&h);
        if (_i == 1) {
                h.f.fd = fd_close(h.f.fd); /* before it answered */
                host_wait_for(&h, &h.n_ready, 1);
                workload_load(w, on_done, &h);
                host_wait_for(&h, &h.n_done, 1);
                ck_assert_int_eq(h.error, -ECONNRESET);
                workload_give_up(w, "as the owner does");
        }
        ck_assert_int_eq(workload_state(w), WORKLOAD_FAILED);
        ck_assert_ptr_nonnull(workload_problem(w));
        host_kill(&h);
        host_wait_for(&h, &h.n_gone, 1);
        host_assert_kept(&h, KEPT(PRESERVED));
        load(&h, claim(&h));
}
END_TEST

/* The one before died between taking it out and keeping it. */
START_TEST(what_was_not_kept_is_taken_out_again) {
        static const char *const lost[] = { "description/vm", "ram/vm", "state/vm" };
        HOST(h);
        Workload *w;

        come_over(&h, true);
        manager_lose(&h.m, lost[_i]);
        w = restart(&h);
        ck_assert_int_eq(workload_state(w), WORKLOAD_PRESERVED);
        ck_assert_uint_eq(luo.n_retrieved, 4);
        host_assert_kept(&h, KEPT(PRESERVED));
        load(&h, claim(&h));
}
END_TEST

START_TEST(one_that_is_not_whole_is_kept_as_failed) {
        static const struct {
                const char *name, *noun;
        } lost[] = {
                { "description/vm", "description" }, { "ram/vm", "memory" }, { "state/vm", "device state" },
        };
        HOST(h);
        char problem[64];
        Workload *w;

        come_over(&h, true);
        luo.fds[_i] = fd_close(luo.fds[_i]);
        manager_lose(&h.m, lost[_i].name);
        w = restart(&h);
        ck_assert_int_eq(workload_state(w), WORKLOAD_FAILED);
        snprintf(problem, sizeof(problem), "its %s did not come over: No such file or directory", lost[_i].noun);
        ck_assert_str_eq(workload_problem(w), problem);
        ck_assert_uint_eq(manager_count(&h.m), 3);
        ck_assert_int_ge(manager_find(&h.m, "session/vm"), 0);
}
END_TEST

START_TEST(one_without_its_session_is_dropped) {
        HOST(h);

        come_over(&h, true);
        manager_lose(&h.m, "session/vm");
        host_restart_daemon(&h);
        ck_assert_uint_eq(registry_size(h.registry), 0);
        ck_assert_uint_eq(manager_count(&h.m), 0);
}
END_TEST

START_TEST(memory_of_another_size_fails) {
        _cleanup_fd_ int ram = -EBADF;
        HOST(h);
        Workload *w;

        come_over(&h, true);
        manager_lose(&h.m, "ram/vm");
        ck_assert_int_eq(memfd_new_with("ram", NULL, RAM_BYTES / 2, &ram), 0);
        ck_assert_int_eq(store_keep("ram/vm", ram), 0);
        w = restart(&h);
        ck_assert_int_eq(workload_state(w), WORKLOAD_FAILED);
        ck_assert_str_eq(workload_problem(w), "its memory came over with another size");
        ck_assert_int_ge(manager_find(&h.m, "session/vm"), 0);
}
END_TEST

START_TEST(one_that_never_came_over_whole_stays_failed) {
        HOST(h);
        Workload *w;

        ck_assert_int_eq(memfd_new_with("description", "{}", 2, &luo.fds[0]), 0);
        w = retrieve(&h, -EBADMSG);
        ck_assert_int_eq(workload_state(w), WORKLOAD_FAILED);
        host_assert_kept(&h, KEPT("session", "description"));
        w = restart(&h);
        ck_assert_int_eq(workload_state(w), WORKLOAD_FAILED);
        ck_assert_ptr_nonnull(strstr(workload_problem(w), "its description cannot be read"));
        host_assert_kept(&h, KEPT("session", "description"));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("inherit-preserved");
        TCase *cases = tcase_create("inherit-preserved");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_test(cases, one_nobody_claimed_stays_preserved);
        tcase_add_test(cases, another_users_is_not_given_away);
        tcase_add_test(cases, one_that_was_coming_up_is_ready);
        tcase_add_loop_test(cases, one_that_was_being_loaded_is_waited_for, 0, 2);
        tcase_add_test(cases, one_that_fails_to_load_meanwhile_is_ready_to_fail);
        tcase_add_loop_test(cases, one_that_is_loaded_is_resumed, 0, ELEMENTSOF(loaded));
        tcase_add_test(cases, one_its_owner_had_stopped_stays_stopped);
        tcase_add_test(cases, one_that_runs_already_is_finished);
        tcase_add_loop_test(cases, one_whose_process_ended_meanwhile_can_be_claimed_again, 0, 2);
        tcase_add_loop_test(cases, one_whose_qmp_ended_fails_and_can_be_claimed_again, 0, 2);
        tcase_add_loop_test(cases, what_was_not_kept_is_taken_out_again, 0, 3);
        tcase_add_loop_test(cases, one_that_is_not_whole_is_kept_as_failed, 0, 3);
        tcase_add_test(cases, one_without_its_session_is_dropped);
        tcase_add_test(cases, memory_of_another_size_fails);
        tcase_add_test(cases, one_that_never_came_over_whole_stays_failed);
        suite_add_tcase(suite, cases);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
