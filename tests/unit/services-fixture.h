/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A host whose services are to be stopped, under a systemd that the test plays. */

#include <errno.h>

#include "basic/io.h"
#include "systemd-fake.h"

#define SECOND_USEC (1000ULL * 1000)
#define LONG_USEC (30 * SECOND_USEC)

typedef struct Story {
        Fake fake;
        Services *services;
        bool is_over;
        int error;
        char why[512];
        char listed[1024];
        bool is_listed_late; /* after something was stopped */
} Story;

static inline void on_done(int error, const char *why, void *userdata) {
        Story *s = userdata;

        ck_assert(!s->is_over);
        ck_assert_int_le(error, 0);
        ck_assert((error < 0) == (why != NULL));
        s->is_over = true;
        s->error = error;
        snprintf(s->why, sizeof(s->why), "%s", why ?: "");
}

static inline void on_listed(int fd, void *userdata) {
        Story *s = userdata;
        _cleanup_free_ char *text = NULL;
        size_t size;

        ck_assert_str_eq(s->listed, "");
        ck_assert_int_ge(read_fd(fd, sizeof(s->listed) - 1, &text, &size), 0);
        snprintf(s->listed, sizeof(s->listed), "%s", text);
        s->is_listed_late = strstr(s->fake.calls, "StartUnit");
}

/* A host with a bit of everything. */
static inline void begin(Story *s) {
        static const struct {
                const char *name, *state;
        } units[] = {
                { "web.service", "active" },
                { "slow.service", "activating" },
                { "idle.service", "inactive" },
                { "broken.service", "failed" },
                { "multi-user.target", "active" },
                { "sysinit.target", "active" },
                { "daily.timer", "active" },
                { "echo.socket", "active" },
                { "echo@1-2.service", "active" },
                { "getty@tty1.service", "reloading" },
                { "guest@1.service", "active" },
                { "liveupdated.service", "active" },
                { "liveupdate-commit.service", "activating" },
                { "liveupdate-commit.timer", "active" },
                { "systemd-networkd.service", "active" },
                { "systemd-networkd-varlink.socket", "active" },
                { "NetworkManager.service", "inactive" },
                { "guest@1.socket", "active" },
                { "-.mount", "active" },
                { "session-1.scope", "active" },
                { "sda1.device", "active" },
        };

        *s = (Story){};
        fake_setup(&s->fake);
        for (size_t i = 0; i < ELEMENTSOF(units); i++)
                fake_add(&s->fake, units[i].name, units[i].state);
        fake_forget(&s->fake, "sda1.device");
        ck_assert_int_ge(services_new(s->fake.event, s->fake.client, s->fake.wants, &s->services), 0);
        services_on_listed(s->services, on_listed, s);
}

static inline void end(Story *s) {
        s->services = services_free(s->services);
        fake_teardown(&s->fake);
}

static inline void wait_over(Story *s) {
        while (!s->is_over)
                ck_assert_int_gt(sd_event_run(s->fake.event, LONG_USEC), 0);
}

/* Until the fake has heard of this. */
static inline void wait_call(Story *s, const char *call) {
        while (!fake_was_called(&s->fake, call))
                ck_assert_int_gt(sd_event_run(s->fake.event, LONG_USEC), 0);
}

static inline void stop_with(Story *s, uint64_t timeout_usec) {
        static const pid_t keep[] = { 101, 102, 103 };

        ck_assert_int_eq(services_stop_over(s->services, keep, ELEMENTSOF(keep), timeout_usec, on_done, s), 1);
}

static inline void stop(Story *s) {
        stop_with(s, LONG_USEC);
        wait_over(s);
}

static inline void start(Story *s) {
        s->is_over = false;
        s->fake.calls[0] = 0;
        ck_assert_int_eq(services_start(s->services, LONG_USEC, on_done, s), 1);
        wait_over(s);
}

static inline bool has_link(Story *s, const char *name) {
        char path[256];
        struct stat st;

        snprintf(path, sizeof(path), "%s/%s", s->fake.wants, name);
        return lstat(path, &st) >= 0 && S_ISLNK(st.st_mode);
}
