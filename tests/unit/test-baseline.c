/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the settings of a kernel were before anybody changed them, across restarts of the daemon. The kernel's are
 * played (--wrap). */

#include <stdlib.h>

#include "basic/clock.h"
#include "basic/io.h"
#include "basic/json.h"
#include "basic/log.h"
#include "store-fixture.h"
#include "update/baseline.h"

#define PATIENCE_USEC (5ULL * 1000 * 1000)
#define AT_BOOT "{\"/proc/sys/vm/swappiness\":\"60\"}"
#define NOW "{\"/proc/sys/vm/swappiness\":\"10\"}"

static Settings *settings_of(const char *text) {
        _cleanup_fd_ int fd = -EBADF;
        Settings *settings;

        ck_assert_int_eq(memfd_new_with("settings", text, strlen(text), &fd), 0);
        ck_assert_int_eq(settings_from_fd(fd, &settings), 0);
        return settings;
}

int __wrap_settings_read(const char *root, Settings **ret);
int __wrap_settings_read(const char *root, Settings **ret) {
        *ret = settings_of(NOW);
        return 0;
}

/* It was 60, and is 10 from now on. */
int __wrap_settings_restore(const char *root, json_object *wanted, SettingsPass pass, Settings *baseline,
                size_t *ret_n_changes, json_object *problems);
int __wrap_settings_restore(const char *root, json_object *wanted, SettingsPass pass, Settings *baseline,
                size_t *ret_n_changes, json_object *problems) {
        _cleanup_(settings_freep) Settings *before = settings_of(AT_BOOT);

        return settings_adopt(baseline, before);
}

static Baseline *begin(sd_event *event, Manager *m) {
        Inheritance *inheritance = manager_bequeath(m);
        Baseline *baseline;

        ck_assert_int_eq(baseline_new(event, inheritance, &baseline), 0);
        inheritance_free(inheritance);
        return baseline;
}

static Baseline *end(Baseline *baseline) {
        baseline_stop(baseline);
        return baseline_unref(baseline);
}

/* This machine is up for longer than it takes. */
static void wait_until_read(sd_event *event, Manager *m) {
        uint64_t deadline = now_usec(CLOCK_MONOTONIC) + PATIENCE_USEC;

        while (manager_find(m, "baseline") < 0) {
                ck_assert_uint_lt(now_usec(CLOCK_MONOTONIC), deadline);
                ck_assert_int_ge(sd_event_run(event, 100000), 0);
        }
}

static size_t n_changed(Baseline *baseline, bool wants_read) {
        _cleanup_json_ json_object *changed = NULL;
        bool is_read;

        ck_assert_int_eq(baseline_changed(baseline, &changed, &is_read), 0);
        ck_assert(is_read == wants_read);
        return json_object_object_length(changed);
}

START_TEST(nothing_to_keep) {
        _cleanup_(manager_done) Manager m = manager_new();
        sd_event *event = NULL;
        Baseline *baseline;

        ck_assert_int_ge(sd_event_default(&event), 0);
        baseline = begin(event, &m);
        baseline_keep(baseline);
        ck_assert_uint_eq(manager_count(&m), 0);
        ck_assert_uint_eq(n_changed(baseline, false), 0);
        wait_until_read(event, &m);
        ck_assert_uint_eq(n_changed(baseline, true), 0);
        end(baseline);
        sd_event_unref(event);
}
END_TEST

/* What was put back from the kernel before counts as changed, also when the daemon is restarted in between. */
START_TEST(what_was_put_back_counts) {
        _cleanup_(manager_done) Manager m = manager_new();
        sd_event *event = NULL;
        Baseline *baseline;
        size_t n = 0;

        ck_assert_int_ge(sd_event_default(&event), 0);
        baseline = begin(event, &m);
        ck_assert_int_eq(baseline_restore(baseline, NULL, SETTINGS_PASS_FIRST, &n, NULL), 0);
        ck_assert_uint_eq(n_changed(baseline, false), 1);
        baseline_keep(baseline);
        ck_assert_int_ge(manager_find(&m, "baseline-changed"), 0);
        end(baseline);

        baseline = begin(event, &m);
        ck_assert_uint_eq(n_changed(baseline, false), 1);
        wait_until_read(event, &m);
        ck_assert_int_lt(manager_find(&m, "baseline-changed"), 0);
        ck_assert_uint_eq(n_changed(baseline, true), 1);
        end(baseline);

        baseline = begin(event, &m);
        ck_assert_uint_eq(n_changed(baseline, true), 1);
        ck_assert_uint_eq(manager_count(&m), 1);
        end(baseline);
        sd_event_unref(event);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("baseline");
        TCase *cases = tcase_create("baseline");
        SRunner *runner;
        int failed;

        log_set_max_level(LOG_EMERG);
        tcase_add_test(cases, nothing_to_keep);
        tcase_add_test(cases, what_was_put_back_counts);
        suite_add_tcase(suite, cases);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
