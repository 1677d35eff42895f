/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "services-fixture.h"

START_TEST(starts_again_exactly_what_is_missing) {
        Story s;

        begin(&s);
        stop(&s);
        fake_unit(&s.fake, "guest@1.service")->state = "inactive"; /* powered off by its user */
        start(&s);
        ck_assert_int_eq(s.error, 0);
        ck_assert_str_eq(fake_state(&s.fake, "web.service"), "active");
        ck_assert_str_eq(fake_state(&s.fake, "slow.service"), "active");
        ck_assert_str_eq(fake_state(&s.fake, "multi-user.target"), "active");
        ck_assert(fake_was_called(&s.fake, "StartUnit web.service replace"));
        ck_assert(fake_was_called(&s.fake, "StartUnit liveupdate-commit.timer replace"));
        ck_assert(fake_was_called(&s.fake, "StartUnit multi-user.target ignore-dependencies"));
        ck_assert(strstr(s.fake.calls, "multi-user") > strstr(s.fake.calls, "web"));
        /* was not running, is running, cannot be, must not be */
        ck_assert_ptr_null(strstr(s.fake.calls, "idle.service"));
        ck_assert_ptr_null(strstr(s.fake.calls, "broken.service"));
        ck_assert_ptr_null(strstr(s.fake.calls, "guest@1.service"));
        ck_assert_ptr_null(strstr(s.fake.calls, "echo@1-2.service"));
        ck_assert_ptr_null(strstr(s.fake.calls, "liveupdate-commit.service"));
        ck_assert(fake_was_called(&s.fake, "StopUnit " LIVEUPDATE_TARGET " replace"));
        /* All of it is done. */
        ck_assert_int_eq(services_start(s.services, LONG_USEC, on_done, &s), 0);
        end(&s);
}
END_TEST

START_TEST(what_does_not_start_is_named) {
        Story s;

        begin(&s);
        stop(&s);
        fake_unit(&s.fake, "web.service")->start_result = "failed";
        fake_unit(&s.fake, "daily.timer")->start_error = "org.freedesktop.systemd1.UnitMasked";
        fake_unit(&s.fake, "slow.service")->start_error = "org.freedesktop.systemd1.LoadFailed";
        fake_unit(&s.fake, "multi-user.target")->start_error = "org.freedesktop.systemd1.OnlyByDependency";
        start(&s);
        ck_assert_int_eq(s.error, -EIO);
        ck_assert_ptr_nonnull(strstr(s.why, "web.service (failed)"));
        ck_assert_ptr_nonnull(strstr(s.why, "daily.timer (Refused.)"));
        ck_assert_ptr_null(strstr(s.why, "slow.service")); /* it was not up before either */
        ck_assert_ptr_null(strstr(s.why, "multi-user.target"));
        ck_assert_str_eq(fake_state(&s.fake, "echo.socket"), "active");
        ck_assert_str_eq(fake_state(&s.fake, "getty@tty1.service"), "active");

        /* Mended, and tried again. */
        fake_unit(&s.fake, "web.service")->start_result = NULL;
        fake_unit(&s.fake, "daily.timer")->start_error = NULL;
        start(&s);
        ck_assert_int_eq(s.error, 0);
        ck_assert_str_eq(fake_state(&s.fake, "web.service"), "active");
        ck_assert_ptr_null(strstr(s.fake.calls, "echo.socket"));
        end(&s);
}
END_TEST

START_TEST(vanished_is_no_error) {
        Story s;

        begin(&s);
        fake_add(&s.fake, "run-u7.service", "active");
        stop(&s);
        fake_forget(&s.fake, "run-u7.service");
        start(&s);
        ck_assert_int_eq(s.error, 0);
        ck_assert(fake_was_called(&s.fake, "StartUnit run-u7.service replace"));
        ck_assert_ptr_nonnull(strstr(s.services->vanished, "run-u7.service"));
        ck_assert_str_eq(fake_state(&s.fake, "web.service"), "active");
        end(&s);
}
END_TEST

START_TEST(slow_start_is_named_in_time) {
        Story s;

        begin(&s);
        stop(&s);
        fake_unit(&s.fake, "web.service")->hangs = true;
        s.is_over = false;
        ck_assert_int_eq(services_start(s.services, SECOND_USEC / 5, on_done, &s), 1);
        wait_over(&s);
        ck_assert_int_eq(s.error, -ETIMEDOUT);
        ck_assert_ptr_nonnull(strstr(s.why, ": web.service. "));
        end(&s);
}
END_TEST

START_TEST(what_was_starting_is_not_waited_for) {
        Story s;

        begin(&s);
        stop(&s);
        fake_unit(&s.fake, "slow.service")->hangs = true;
        start(&s);
        ck_assert_int_eq(s.error, 0);
        ck_assert_ptr_nonnull(fake_job_of(&s.fake, fake_unit(&s.fake, "slow.service")));
        end(&s);
}
END_TEST

START_TEST(stop_is_turned_round_on_the_way) {
        Story s;

        begin(&s);
        fake_unit(&s.fake, "web.service")->hangs = true;
        stop_with(&s, LONG_USEC);
        wait_call(&s, "ListJobs");
        while (strcmp(fake_state(&s.fake, "daily.timer"), "inactive") != 0)
                ck_assert_int_gt(sd_event_run(s.fake.event, LONG_USEC), 0);
        ck_assert_str_eq(fake_state(&s.fake, "web.service"), "active"); /* and its stop job waits */
        ck_assert(!s.is_over);
        start(&s);
        ck_assert_int_eq(s.error, 0);
        ck_assert(fake_was_called(&s.fake, "StartUnit web.service replace"));
        ck_assert_uint_le(s.fake.n_jobs, 1); /* the stop of the target itself */
        ck_assert_str_eq(fake_state(&s.fake, "daily.timer"), "active");
        end(&s);
}
END_TEST

/* However far it was when it is called off. */
START_TEST(stop_is_called_off_at_any_point) {
        for (unsigned steps = 0; steps < 40; steps++) {
                Story s;
                int r;

                begin(&s);
                stop_with(&s, LONG_USEC);
                for (unsigned i = 0; i < steps && !s.is_over; i++)
                        ck_assert_int_gt(sd_event_run(s.fake.event, LONG_USEC), 0);
                s.is_over = false;
                r = services_start(s.services, LONG_USEC, on_done, &s);
                if (r > 0)
                        wait_over(&s);
                ck_assert_int_ge(r, 0);
                ck_assert_int_eq(s.error, 0);
                ck_assert_str_eq(fake_state(&s.fake, "web.service"), "active");
                ck_assert_str_eq(fake_state(&s.fake, "daily.timer"), "active");
                ck_assert_str_eq(fake_state(&s.fake, "multi-user.target"), "active");
                end(&s);
        }
}
END_TEST

START_TEST(successor_starts_again) {
        static const char list[] = "multi-user.target\nslow.service starting\nweb.service\n";
        Story s;
        int fd;

        begin(&s);
        fake_unit(&s.fake, "web.service")->state = "inactive";
        fake_unit(&s.fake, "slow.service")->state = "inactive";
        fake_unit(&s.fake, "daily.timer")->state = "inactive";
        ck_assert_int_ge(memfd_new_with("list", list, strlen(list), &fd), 0);
        ck_assert_int_ge(services_inherit_over(s.services, fd), 0);
        start(&s);
        ck_assert_int_eq(s.error, 0);
        ck_assert_str_eq(fake_state(&s.fake, "web.service"), "active");
        ck_assert_str_eq(fake_state(&s.fake, "slow.service"), "active");
        ck_assert_str_eq(fake_state(&s.fake, "daily.timer"), "inactive");
        end(&s);
}
END_TEST

START_TEST(bad_lists_are_refused) {
        static const char *const lists[] = {
                "web.service",
                "\n",
                "web\n",
                "../web.service\n",
                "a b.service\n",
                "web.service  starting\n",
                " starting\n",
                "-.mount\n",
                "web.service\n\n",
                "w\303\244b.service\n",
        };
        Units units = {};
        char name[400];

        for (size_t i = 0; i < ELEMENTSOF(lists); i++) {
                ck_assert_msg(units_from_text(lists[i], strlen(lists[i]), &units) == -EBADMSG, "list %zu", i);
                units_clear(&units);
        }
        memset(name, 'a', sizeof(name));
        memcpy(name + 300, ".service\n", 9);
        ck_assert_int_eq(units_from_text(name, 309, &units), -EBADMSG);
        ck_assert_int_eq(units_from_text("a\0b.service\n", 12, &units), -EBADMSG);
        units_clear(&units);
        ck_assert_int_eq(units_from_text("", 0, &units), 0);
        ck_assert_uint_eq(units.n, 0);
}
END_TEST

START_TEST(broken_connection_ends_the_start) {
        static const char *const methods[] = { "ListUnits", "StartUnit" };

        for (size_t i = 0; i < ELEMENTSOF(methods); i++) {
                Story s;

                begin(&s);
                stop(&s);
                s.fake.breaks_at = methods[i];
                start(&s);
                ck_assert_int_lt(s.error, 0);
                ck_assert_int_ne(s.error, -ETIMEDOUT);
                end(&s);
        }
}
END_TEST

UNIT_MAIN("services-start", starts_again_exactly_what_is_missing, what_does_not_start_is_named, vanished_is_no_error,
                slow_start_is_named_in_time, what_was_starting_is_not_waited_for, stop_is_turned_round_on_the_way,
                stop_is_called_off_at_any_point, successor_starts_again, bad_lists_are_refused,
                broken_connection_ends_the_start)
