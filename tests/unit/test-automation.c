/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "basic/json.h"
#include "unit.h"
#include "update/automation.h"
#include "update/manager.h"

static Config config;
static StagedKernel staged;
static Manager manager;

static void set_up(void) {
        config = (Config) { .auto_stage = true };
        staged = (StagedKernel) { .release = (char *) "9999.5.0" };
        manager = (Manager) { .config = &config };
}

static void assert_wanted(const char *release) {
        _cleanup_free_ char *objection = NULL;

        ck_assert_int_eq(automation_offer(&manager, release, &objection), 0);
        ck_assert_msg(!objection, "%s: %s", release, objection);
}

static void assert_refused(const char *release, const char *part) {
        _cleanup_free_ char *objection = NULL;

        ck_assert_int_eq(automation_offer(&manager, release, &objection), 0);
        ck_assert_msg(objection && strstr(objection, part), "%s: %s", release, objection ?: "no objection");
}

START_TEST(nothing_without_auto_stage) {
        set_up();
        config.auto_stage = false;
        assert_refused("9999.6.0", "AutoStage=no");
        ck_assert_ptr_null(manager.automation.offered);
}
END_TEST

START_TEST(never_older_than_the_running_kernel) {
        struct utsname names;

        set_up();
        (void) uname(&names);
        assert_refused("1.0.0", names.release);
        assert_wanted(names.release); /* a fixed build may keep its release */
}
END_TEST

START_TEST(newest_of_several) {
        _cleanup_free_ char *objection = NULL;

        set_up();
        assert_wanted("9999.9.0");
        assert_wanted("9999.10.0");
        assert_refused("9999.9.5", "9999.10.0");
        ck_assert_str_eq(manager.automation.offered, "9999.10.0");

        /* The one that was wanted first is not any more when its turn comes to be staged. */
        ck_assert_int_eq(automation_object(&manager, "9999.9.0", &objection), 0);
        ck_assert_ptr_nonnull(objection);
}
END_TEST

START_TEST(never_older_than_the_staged_one) {
        set_up();
        manager.staged = &staged;
        assert_refused("9999.4.9", "9999.5.0");
        assert_wanted("9999.5.0");
        assert_wanted("9999.5.1");
}
END_TEST

START_TEST(a_failure_is_kept_until_something_succeeds) {
        _cleanup_json_ json_object *before = NULL, *after = NULL;
        json_object *problem;
        const char *s;

        set_up();
        assert_wanted("9999.6.0");
        automation_failed(&manager, "stage", "9999.6.0", "It is broken.", "Mend it.");
        ck_assert_ptr_null(manager.automation.offered);

        before = automation_to_json(&manager);
        ck_assert_int_eq(json_get_object(before, "problem", &problem), 0);
        ck_assert_int_eq(json_get_string(problem, "action", &s), 0);
        ck_assert_str_eq(s, "stage");
        ck_assert_int_eq(json_get_string(problem, "release", &s), 0);
        ck_assert_str_eq(s, "9999.6.0");
        ck_assert_int_eq(json_get_string(problem, "message", &s), 0);
        ck_assert_str_eq(s, "It is broken.");

        automation_succeeded(&manager);
        after = automation_to_json(&manager);
        ck_assert_int_eq(json_get_object(after, "problem", &problem), -ENOENT);
}
END_TEST

UNIT_MAIN("automation", nothing_without_auto_stage, never_older_than_the_running_kernel, newest_of_several,
                never_older_than_the_staged_one, a_failure_is_kept_until_something_succeeds)
