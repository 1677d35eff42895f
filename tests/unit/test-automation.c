/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "basic/io.h"
#include "basic/json.h"
#include "temporary-root.h"
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

/* What the next process of the daemon would say, from what was kept; the caller's. */
static json_object *heard_by_the_next(Automation *ret) {
        Manager next = { .config = &config };
        json_object *o;

        automation_load(&next.automation, root_path("/automation.json"));
        o = automation_to_json(&next);
        ck_assert_ptr_nonnull(o);
        *ret = next.automation;
        return o;
}

static bool is_kept(void) {
        return access(root_path("/automation.json"), F_OK) >= 0;
}

START_TEST(all_of_it_comes_back) {
        TEMPORARY_ROOT();
        _cleanup_free_ char *path = strdup(root_path("/automation.json"));
        _cleanup_(automation_done) Automation after = {}, later = {};
        _cleanup_json_ json_object *before = NULL, *again = NULL, *last = NULL;
        json_object *problem;

        set_up();
        automation_load(&manager.automation, path);
        ck_assert(!is_kept());
        automation_failed(&manager, "stage", "9999.6.0", "It is \"broken\".", NULL);
        assert_wanted("9999.7.0");
        before = automation_to_json(&manager);
        again = heard_by_the_next(&after);
        ck_assert_str_eq(json_object_to_json_string(again), json_object_to_json_string(before));
        ck_assert_str_eq(after.offered, "9999.7.0");

        automation_succeeded(&manager);
        ck_assert(!is_kept());
        last = heard_by_the_next(&later);
        ck_assert_int_eq(json_get_object(last, "problem", &problem), -ENOENT);
        ck_assert_ptr_null(later.offered);
}
END_TEST

START_TEST(a_refused_commit_comes_back_and_ends_no_offer) {
        TEMPORARY_ROOT();
        _cleanup_free_ char *path = strdup(root_path("/automation.json"));
        _cleanup_(automation_done) Automation after = {}, nameless = {};
        _cleanup_json_ json_object *first = NULL, *second = NULL;

        set_up();
        automation_load(&manager.automation, path);
        manager.staged = &staged;
        assert_wanted("9999.6.0");
        automation_commit_refused(&manager, "It would be lost.", "Save it.");
        ck_assert_str_eq(manager.automation.offered, "9999.6.0");
        first = heard_by_the_next(&after);
        ck_assert_str_eq(after.action, "commit");
        ck_assert_str_eq(after.release, "9999.5.0");
        ck_assert_str_eq(after.message, "It would be lost.");
        ck_assert_str_eq(after.offered, "9999.6.0");

        staged.release = NULL;
        automation_commit_refused(&manager, "It would be lost.", "Save it.");
        second = heard_by_the_next(&nameless);
        ck_assert_str_eq(nameless.action, "commit");
        ck_assert_ptr_null(nameless.release);
        automation_done(&manager.automation);
}
END_TEST

START_TEST(what_is_no_record_is_passed_over) {
        static const char *const texts[] = {
                "",
                "{",
                "[]",
                "{\"offered\":7}",
                "{\"offered\":\"a/b\"}",
                "{\"problem\":\"x\"}",
                "{\"problem\":{}}",
                "{\"problem\":{\"action\":\"fly\",\"usec\":1,\"message\":\"m\"}}",
                "{\"problem\":{\"action\":\"stage\",\"usec\":1}}",
                "{\"offered\":\"9\",\"problem\":{\"action\":\"stage\",\"usec\":-1,\"message\":\"m\"}}",
        };
        TEMPORARY_ROOT();

        set_up();
        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                _cleanup_(automation_done) Automation after = {};
                _cleanup_json_ json_object *o = NULL;
                json_object *problem;

                ck_assert_int_eq(write_file_atomic(root_path("/automation.json"), texts[i], 0644), 0);
                o = heard_by_the_next(&after);
                ck_assert_msg(!after.offered && !after.action, "%s", texts[i]);
                ck_assert_int_eq(json_get_object(o, "problem", &problem), -ENOENT);
        }
}
END_TEST

UNIT_MAIN("automation", nothing_without_auto_stage, never_older_than_the_running_kernel, newest_of_several,
                never_older_than_the_staged_one, a_failure_is_kept_until_something_succeeds, all_of_it_comes_back,
                a_refused_commit_comes_back_and_ends_no_offer, what_is_no_record_is_passed_over)
