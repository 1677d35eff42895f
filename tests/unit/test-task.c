/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "basic/task.h"
#include "unit.h"

typedef struct Work {
        pthread_t thread;
        sigset_t signals;
        int gate[2]; /* the thread goes on when this is closed */
        int answer;
        atomic_bool is_begun;
        atomic_uint n_freed;
} Work;

typedef struct Listener {
        Task *task;
        unsigned n_done;
        int error;
        bool frees;
} Listener;

static int work_run(void *data) {
        Work *work = data;
        char c;

        work->thread = pthread_self();
        (void) pthread_sigmask(SIG_BLOCK, NULL, &work->signals);
        work->is_begun = true;
        while (read(work->gate[0], &c, 1) < 0)
                ;
        return work->answer;
}

static void work_free(void *data) {
        Work *work = data;

        fd_close(work->gate[0]);
        work->n_freed++;
}

static void work_open(Work *work, int answer) {
        *work = (Work) { .answer = answer };
        ck_assert_int_eq(pipe(work->gate), 0);
}

static void on_done(int error, void *userdata) {
        Listener *listener = userdata;

        listener->n_done++;
        listener->error = error;
        if (listener->frees)
                listener->task = task_free(listener->task);
}

static void run_until_done(sd_event *event, const Listener *listener) {
        while (listener->n_done == 0)
                ck_assert_int_ge(sd_event_run(event, UINT64_MAX), 0);
}

START_TEST(tells_the_result_in_the_loop) {
        static const int answers[] = { 0, -EIO };
        Listener listener = {};
        sd_event *event;
        Work work;

        work_open(&work, answers[_i]);
        ck_assert_int_ge(sd_event_new(&event), 0);
        ck_assert_int_eq(task_start(event, work_run, &work, work_free, on_done, &listener, &listener.task), 0);
        ck_assert_int_eq(sd_event_run(event, 20000), 0);
        ck_assert_uint_eq(listener.n_done, 0);
        fd_close(work.gate[1]);
        run_until_done(event, &listener);
        ck_assert_int_eq(listener.error, answers[_i]);
        ck_assert(!pthread_equal(work.thread, pthread_self()));

        ck_assert_int_eq(sd_event_run(event, 20000), 0); /* it is told once */
        ck_assert_uint_eq(listener.n_done, 1);
        ck_assert_uint_eq(work.n_freed, 0);
        task_free(listener.task);
        while (work.n_freed == 0)
                usleep(1000); /* the thread may still be about to let go */
        ck_assert_uint_eq(work.n_freed, 1);
        sd_event_unref(event);
}
END_TEST

START_TEST(may_be_freed_where_it_tells) {
        Listener listener = { .frees = true };
        sd_event *event;
        Work work;

        work_open(&work, 0);
        fd_close(work.gate[1]);
        ck_assert_int_ge(sd_event_new(&event), 0);
        ck_assert_int_eq(task_start(event, work_run, &work, work_free, on_done, &listener, &listener.task), 0);
        run_until_done(event, &listener);
        ck_assert_ptr_null(listener.task);
        while (work.n_freed == 0)
                usleep(1000);
        ck_assert_uint_eq(work.n_freed, 1);
        sd_event_unref(event);
}
END_TEST

START_TEST(goes_on_unheard) {
        Listener listener = {};
        sd_event *event;
        Work work;

        work_open(&work, 0);
        ck_assert_int_ge(sd_event_new(&event), 0);
        ck_assert_int_eq(task_start(event, work_run, &work, work_free, on_done, &listener, &listener.task), 0);
        while (!work.is_begun)
                usleep(1000);
        task_free(listener.task);
        ck_assert_uint_eq(work.n_freed, 0); /* the thread works with it */
        fd_close(work.gate[1]);
        while (work.n_freed == 0)
                usleep(1000);
        ck_assert_int_eq(sd_event_run(event, 20000), 0);
        ck_assert_uint_eq(listener.n_done, 0);
        sd_event_unref(event);
}
END_TEST

START_TEST(takes_no_signals) {
        Listener listener = { .frees = true };
        sd_event *event;
        Work work;

        work_open(&work, 0);
        fd_close(work.gate[1]);
        ck_assert_int_ge(sd_event_new(&event), 0);
        ck_assert_int_eq(task_start(event, work_run, &work, work_free, on_done, &listener, &listener.task), 0);
        run_until_done(event, &listener);
        ck_assert_int_eq(sigismember(&work.signals, SIGTERM), 1);
        ck_assert_int_eq(sigismember(&work.signals, SIGHUP), 1);
        ck_assert_int_eq(sigismember(&work.signals, SIGCHLD), 1);
        sd_event_unref(event);
}
END_TEST

/* A loop that has ended takes no more sources. */
START_TEST(frees_the_data_where_it_cannot_start) {
        Listener listener = {};
        sd_event *event;
        Work work;

        work_open(&work, 0);
        ck_assert_int_ge(sd_event_new(&event), 0);
        ck_assert_int_ge(sd_event_exit(event, 0), 0);
        ck_assert_int_ge(sd_event_loop(event), 0);
        ck_assert_int_lt(task_start(event, work_run, &work, work_free, on_done, &listener, &listener.task), 0);
        ck_assert_uint_eq(work.n_freed, 1);
        ck_assert(!work.is_begun);
        ck_assert_ptr_null(listener.task);
        fd_close(work.gate[1]);
        sd_event_unref(event);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("task");
        TCase *cases = tcase_create("task");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_loop_test(cases, tells_the_result_in_the_loop, 0, 2);
        tcase_add_test(cases, may_be_freed_where_it_tells);
        tcase_add_test(cases, goes_on_unheard);
        tcase_add_test(cases, takes_no_signals);
        tcase_add_test(cases, frees_the_data_where_it_cannot_start);
        suite_add_tcase(suite, cases);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
