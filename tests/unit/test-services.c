/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "services-fixture.h"

START_TEST(isolates) {
        static const char *const stopped[] = {
                "web.service", "slow.service", "multi-user.target", "daily.timer", "echo.socket", "echo@1-2.service",
                "getty@tty1.service", "liveupdate-commit.timer",
        };
        static const char *const kept[] = {
                "guest@1.service", "liveupdated.service", "systemd-networkd.service", "sysinit.target",
                LIVEUPDATE_TARGET,
        };
        Story s;

        begin(&s);
        stop(&s);
        ck_assert_int_eq(s.error, 0);
        for (size_t i = 0; i < ELEMENTSOF(stopped); i++)
                ck_assert_msg(strcmp(fake_state(&s.fake, stopped[i]), "inactive") == 0, "%s", stopped[i]);
        for (size_t i = 0; i < ELEMENTSOF(kept); i++)
                ck_assert_msg(strcmp(fake_state(&s.fake, kept[i]), "active") == 0, "%s", kept[i]);
        ck_assert_str_eq(fake_state(&s.fake, "liveupdate-commit.service"), "activating");
        ck_assert_uint_eq(s.fake.n_jobs, 0);
        end(&s);
}
END_TEST

START_TEST(remembers_what_can_be_started_again) {
        Story s;

        begin(&s);
        fake_queue(&s.fake, fake_add(&s.fake, "leaving.service", "active"), "stop");
        fake_unit(&s.fake, "leaving.service")->hangs = true;
        stop_with(&s, LONG_USEC);
        wait_call(&s, "StartUnit " LIVEUPDATE_TARGET " isolate");
        ck_assert(!s.is_listed_late);
        ck_assert_str_eq(s.listed,
                        "daily.timer\necho.socket\ngetty@tty1.service\nliveupdate-commit.timer\n"
                        "multi-user.target\nslow.service starting\nsysinit.target\nweb.service\n");
        end(&s);
}
END_TEST

START_TEST(links_what_goes_on) {
        char path[256];
        Story s;

        begin(&s);
        ck_assert_int_eq(mkdir(s.fake.wants, 0755), 0);
        ck_assert_int_eq(links_add(s.fake.wants, "former.service"), 0);
        snprintf(path, sizeof(path), "%s/chosen.service", s.fake.wants);
        ck_assert_int_eq(symlink("/etc/systemd/system/chosen.service", path), 0);
        stop(&s);
        ck_assert(has_link(&s, "guest@1.service"));
        ck_assert(has_link(&s, "liveupdated.service"));
        ck_assert(has_link(&s, "liveupdate-commit.service"));
        ck_assert(has_link(&s, "systemd-networkd.service"));
        ck_assert(has_link(&s, "systemd-networkd-varlink.socket"));
        ck_assert(has_link(&s, "guest@1.socket"));
        ck_assert(has_link(&s, "-.mount"));
        ck_assert(!has_link(&s, "echo.socket"));
        ck_assert(has_link(&s, "chosen.service")); /* somebody else's */
        ck_assert(!has_link(&s, "NetworkManager.service")); /* would be started */
        ck_assert(!has_link(&s, "session-1.scope"));
        ck_assert(!has_link(&s, "former.service"));
        ck_assert(!has_link(&s, "web.service"));

        start(&s);
        ck_assert(!has_link(&s, "guest@1.service"));
        ck_assert(has_link(&s, "chosen.service"));
        ck_assert_int_eq(unlink(path), 0);
        end(&s);
}
END_TEST

START_TEST(reloads_only_what_is_loaded) {
        Story s;

        begin(&s);
        stop(&s);
        ck_assert(!fake_was_called(&s.fake, "Reload"));
        end(&s);

        begin(&s);
        fake_add(&s.fake, LIVEUPDATE_TARGET, "inactive");
        stop(&s);
        ck_assert_int_eq(s.error, 0);
        ck_assert(fake_was_called(&s.fake, "Reload"));
        ck_assert(strstr(s.fake.calls, "Reload") < strstr(s.fake.calls, "isolate"));
        end(&s);
}
END_TEST

START_TEST(refusals_say_what_to_do) {
        static const struct {
                const char *error, *part;
        } cases[] = {
                { "org.freedesktop.systemd1.NoSuchUnit", "Install it" },
                { "org.freedesktop.systemd1.UnitMasked", "unmask" },
                { "org.freedesktop.systemd1.NoIsolation", "AllowIsolate=yes" },
                { "org.freedesktop.systemd1.TransactionIsDestructive", "systemctl status" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Story s;

                begin(&s);
                s.fake.isolate_error = cases[i].error;
                stop(&s);
                ck_assert_int_lt(s.error, 0);
                ck_assert_msg(strstr(s.why, cases[i].part) != NULL, "%s", s.why);
                ck_assert_str_eq(fake_state(&s.fake, "web.service"), "active");
                ck_assert_int_eq(services_start(s.services, LONG_USEC, on_done, &s), 0);
                end(&s);
        }
}
END_TEST

START_TEST(target_that_is_not_reached_is_an_error) {
        Story s;

        begin(&s);
        s.fake.target_result = "dependency";
        stop(&s);
        ck_assert_int_eq(s.error, -EIO);
        ck_assert_ptr_nonnull(strstr(s.why, LIVEUPDATE_TARGET " was not reached: dependency"));
        start(&s);
        ck_assert_int_eq(s.error, 0);
        ck_assert_str_eq(fake_state(&s.fake, "web.service"), "active");
        end(&s);
}
END_TEST

/* The target's job ends at once; that of what does not stop is waited for. */
START_TEST(timeout_names_what_does_not_stop) {
        Story s;

        begin(&s);
        fake_unit(&s.fake, "web.service")->hangs = true;
        stop_with(&s, SECOND_USEC / 5);
        wait_over(&s);
        ck_assert_int_eq(s.error, -ETIMEDOUT);
        ck_assert_ptr_nonnull(strstr(s.why, ": web.service. "));
        ck_assert_ptr_null(strstr(s.why, "daily.timer"));
        ck_assert_str_eq(fake_state(&s.fake, "daily.timer"), "inactive");
        end(&s);
}
END_TEST

START_TEST(broken_connection_is_an_error) {
        static const char *const methods[] = { "ListUnits", "GetUnitByPID", "Reload", "StartUnit", "ListJobs" };

        for (size_t i = 0; i < ELEMENTSOF(methods); i++) {
                Story s;

                begin(&s);
                fake_add(&s.fake, LIVEUPDATE_TARGET, "inactive");
                s.fake.breaks_at = methods[i];
                stop(&s);
                ck_assert_msg(s.error < 0 && s.error != -ETIMEDOUT, "%s: %d", methods[i], s.error);
                ck_assert_str_ne(s.why, "");
                end(&s);
        }
}
END_TEST

START_TEST(connection_that_breaks_while_waiting_is_an_error) {
        Story s;

        begin(&s);
        fake_unit(&s.fake, "web.service")->hangs = true;
        stop_with(&s, LONG_USEC);
        wait_call(&s, "ListJobs");
        for (unsigned i = 0; i < 20; i++)
                ck_assert_int_ge(sd_event_run(s.fake.event, 1000), 0);
        sd_bus_close(s.fake.server);
        wait_over(&s);
        ck_assert_int_eq(s.error, -ECONNRESET);
        end(&s);
}
END_TEST

/* The done function may free everything. */
static void free_in_done(int error, const char *why, void *userdata) {
        Story *s = userdata;

        s->services = services_free(s->services);
        s->is_over = true;
}

START_TEST(can_be_freed_when_done) {
        Story s;

        begin(&s);
        ck_assert_int_eq(services_stop_over(s.services, NULL, 0, LONG_USEC, free_in_done, &s), 1);
        wait_over(&s);
        end(&s);

        begin(&s);
        s.fake.breaks_at = "ListJobs";
        ck_assert_int_eq(services_stop_over(s.services, NULL, 0, LONG_USEC, free_in_done, &s), 1);
        wait_over(&s);
        end(&s);
}
END_TEST

START_TEST(can_be_freed_on_the_way) {
        for (unsigned steps = 0; steps < 40; steps++) {
                Story s;

                begin(&s);
                stop_with(&s, LONG_USEC);
                for (unsigned i = 0; i < steps && !s.is_over; i++)
                        ck_assert_int_gt(sd_event_run(s.fake.event, LONG_USEC), 0);
                end(&s);
        }
}
END_TEST

START_TEST(long_lists_are_cut) {
        _cleanup_free_ char *text = NULL;
        Jobs jobs = {};

        for (unsigned i = 0; i < 25; i++) {
                char path[16], unit[16];

                snprintf(path, sizeof(path), "/job/%u", i);
                snprintf(unit, sizeof(unit), "u%u.service", i);
                ck_assert_int_eq(jobs_add(&jobs, path, unit), 0);
                ck_assert_int_eq(jobs_add(&jobs, path, unit), 0);
        }
        ck_assert_uint_eq(jobs.n, 25);
        text = jobs_to_text(&jobs);
        ck_assert_ptr_nonnull(strstr(text, "u0.service, u1.service"));
        ck_assert_ptr_nonnull(strstr(text, "u9.service and 15 more"));
        jobs_clear(&jobs);
}
END_TEST

UNIT_MAIN("services", isolates, remembers_what_can_be_started_again, links_what_goes_on, reloads_only_what_is_loaded,
                refusals_say_what_to_do, target_that_is_not_reached_is_an_error, timeout_names_what_does_not_stop,
                broken_connection_is_an_error, connection_that_breaks_while_waiting_is_an_error,
                can_be_freed_when_done, can_be_freed_on_the_way, long_lists_are_cut)
