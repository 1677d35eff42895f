/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "basic/json.h"
#include "systemd-fake.h"

#define SECOND_USEC (1000ULL * 1000)
#define LONG_USEC (30 * SECOND_USEC)

/* Questions that wait need somebody on a thread of his own to answer them. */

typedef struct Answerer {
        sd_bus *server, *client;
        pthread_t thread;
        const char *timer_state;
        uint64_t next_usec;
        bool is_mute;
} Answerer;

static int answer_failed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        char **states = NULL, **patterns = NULL;

        if (((Answerer *) userdata)->is_mute)
                return 1;
        ck_assert_int_gt(sd_bus_message_read_strv(m, &states), 0);
        ck_assert_int_gt(sd_bus_message_read_strv(m, &patterns), 0);
        ck_assert_str_eq(states[0], "failed");
        ck_assert_ptr_null(states[1]);
        ck_assert_str_eq(patterns[0], "liveupdate-*");
        for (size_t i = 0; patterns[i]; i++)
                free(patterns[i]);
        free(patterns);
        free(states[0]);
        free(states);
        return sd_bus_reply_method_return(m, "a(ssssssouso)", 1, "liveupdate-stage@7.4.service", "Stage", "loaded",
                        "failed", "failed", "", "/x", 0, "", "/");
}

static int answer_masked(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return sd_bus_reply_method_return(m, "a(ss)", 2, "/etc/systemd/system/liveupdate-commit.timer", "masked",
                        "/run/systemd/system/liveupdate-stage@.service", "masked-runtime");
}

static int answer_state(sd_bus *bus, const char *path, const char *interface, const char *property,
                sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "s", ((Answerer *) userdata)->timer_state);
}

static int answer_next(sd_bus *bus, const char *path, const char *interface, const char *property,
                sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "t", ((Answerer *) userdata)->next_usec);
}

static const sd_bus_vtable answerer_manager[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("ListUnitsByPatterns", "asas", "a(ssssssouso)", answer_failed, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("ListUnitFilesByPatterns", "asas", "a(ss)", answer_masked, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};
static const sd_bus_vtable answerer_unit[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("ActiveState", "s", answer_state, 0, 0),
        SD_BUS_VTABLE_END,
};
static const sd_bus_vtable answerer_timer[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("NextElapseUSecRealtime", "t", answer_next, 0, 0),
        SD_BUS_VTABLE_END,
};

static void *answer(void *data) {
        Answerer *a = data;
        sd_event *event = NULL;

        ck_assert_int_ge(sd_event_new(&event), 0);
        ck_assert_int_ge(sd_bus_set_exit_on_disconnect(a->server, 1), 0);
        ck_assert_int_ge(sd_bus_attach_event(a->server, event, 0), 0);
        (void) sd_event_loop(event);
        sd_bus_close_unref(a->server);
        sd_event_unref(event);
        return NULL;
}

static void answerer_add(Answerer *a, const char *path, const char *interface, const sd_bus_vtable *vtable) {
        ck_assert_int_ge(sd_bus_add_object_vtable(a->server, NULL, path, interface, vtable, a), 0);
}

static void answerer_begin(Answerer *a) {
        static const char timer[] = SYSTEMD_PATH "/unit/liveupdate_2dcommit_2etimer";

        fake_connect(&a->server, &a->client);
        answerer_add(a, SYSTEMD_PATH, SYSTEMD_MANAGER, answerer_manager);
        answerer_add(a, timer, SYSTEMD_NAME ".Unit", answerer_unit);
        answerer_add(a, timer, SYSTEMD_NAME ".Timer", answerer_timer);
        ck_assert_int_eq(pthread_create(&a->thread, NULL, answer, a), 0);
}

static void answerer_end(Answerer *a) {
        sd_bus_close_unref(a->client);
        pthread_join(a->thread, NULL);
}

static uint64_t in_usec(uint64_t usec) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t) t.tv_sec * SECOND_USEC + (uint64_t) t.tv_nsec / 1000 + usec;
}

START_TEST(finds_failed_and_masked_units) {
        _cleanup_json_ json_object *findings = NULL;
        Answerer a = {};
        const char *text;

        answerer_begin(&a);
        ck_assert_int_eq(services_findings_over(a.client, in_usec(LONG_USEC), &findings), 0);
        answerer_end(&a);
        text = json_object_to_json_string(findings);
        ck_assert_uint_eq(json_object_array_length(findings), 3);
        ck_assert_ptr_nonnull(strstr(text, "liveupdate-stage@7.4.service failed."));
        ck_assert_ptr_nonnull(strstr(text, "systemctl reset-failed liveupdate-stage@7.4.service"));
        ck_assert_ptr_nonnull(strstr(text, "systemctl unmask liveupdate-commit.timer"));
        ck_assert_ptr_nonnull(strstr(text, "systemctl unmask --runtime liveupdate-stage@.service"));
        for (size_t i = 0; i < 3; i++) {
                json_object *o = json_object_array_get_idx(findings, i);

                ck_assert_int_eq(json_get_string(o, "id", &text), 0);
                ck_assert_int_eq(json_get_string(o, "state", &text), 0);
                ck_assert_str_eq(text, "warn");
        }
}
END_TEST

START_TEST(findings_do_not_wait_for_ever) {
        _cleanup_json_ json_object *findings = NULL;
        Answerer a = { .is_mute = true };
        sd_bus *server, *client;

        answerer_begin(&a);
        ck_assert_int_eq(services_findings_over(a.client, in_usec(SECOND_USEC / 5), &findings), -ETIMEDOUT);
        answerer_end(&a);

        /* Nor where nobody even says hello. */
        fake_connect(&server, &client);
        ck_assert_int_eq(services_findings_over(client, in_usec(SECOND_USEC / 5), &findings), -ETIMEDOUT);
        sd_bus_close_unref(client);
        sd_bus_close_unref(server);
        ck_assert_ptr_null(findings);
}
END_TEST

START_TEST(tells_the_next_window) {
        static const struct {
                const char *state;
                uint64_t next;
                int expected;
        } cases[] = {
                { "active", 1700000000000000, 0 },
                { "inactive", 1700000000000000, -ENOENT },
                { "active", 0, -ENOENT },
                { "active", UINT64_MAX, -ENOENT },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Answerer a = { .timer_state = cases[i].state, .next_usec = cases[i].next };
                uint64_t next = 0;

                answerer_begin(&a);
                ck_assert_int_eq(services_next_window_over(a.client, in_usec(LONG_USEC), &next), cases[i].expected);
                answerer_end(&a);
                ck_assert_uint_eq(next, cases[i].expected == 0 ? cases[i].next : 0);
        }
}
END_TEST

UNIT_MAIN("services-state", finds_failed_and_masked_units, findings_do_not_wait_for_ever, tells_the_next_window)
