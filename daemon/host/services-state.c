/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What systemd says of our own units. These calls wait, but not for long: each connection is for one question, and has
 * one time limit from the connect on. */

#include <errno.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>

#include "basic/finding.h"
#include "basic/json.h"
#include "host/services-internal.h"

#define TIMEOUT_USEC (1000U * 1000)
#define COMMIT_TIMER_PATH SYSTEMD_PATH "/unit/liveupdate_2dcommit_2etimer"

static void message_unrefp(sd_bus_message **m) {
        sd_bus_message_unref(*m);
}

static int time_left(uint64_t deadline_usec, uint64_t *ret_usec) {
        uint64_t now = now_usec();

        if (now >= deadline_usec)
                return -ETIMEDOUT;
        *ret_usec = deadline_usec - now;
        return 0;
}

/* sd_bus_call() would wait a minute and a half for the other side to say who it is. */
static int wait_ready(sd_bus *bus, uint64_t deadline_usec) {
        uint64_t left;
        int r;

        while ((r = sd_bus_is_ready(bus)) == 0) {
                r = sd_bus_process(bus, NULL);
                if (r < 0)
                        return r;
                if (r > 0)
                        continue;
                r = time_left(deadline_usec, &left);
                if (r < 0)
                        return r;
                r = sd_bus_wait(bus, left);
                if (r < 0 && r != -EINTR)
                        return r;
        }
        return r < 0 ? r : 0;
}

/* Takes `call`. */
static int ask(sd_bus *bus, uint64_t deadline_usec, sd_bus_message *call, sd_bus_message **ret) {
        _cleanup_(message_unrefp) sd_bus_message *m = call;
        uint64_t left;
        int r = time_left(deadline_usec, &left);

        return r < 0 ? r : sd_bus_call(bus, m, left, NULL, ret);
}

static int make_call(sd_bus *bus, const char *method, const char *const *states, sd_bus_message **ret) {
        static const char *const patterns[] = { "liveupdate-*", "liveupdate.*", "liveupdated.*", NULL };
        _cleanup_(message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &m, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, method);
        if (r >= 0)
                r = sd_bus_message_append_strv(m, (char **) states);
        if (r >= 0)
                r = sd_bus_message_append_strv(m, (char **) patterns);
        if (r >= 0)
                *ret = TAKE_PTR(m);
        return r;
}

static int add_failed(json_object *findings, const char *unit) {
        char text[512], remedy[1024];

        snprintf(text, sizeof(text), "%s failed.", unit);
        snprintf(remedy, sizeof(remedy), "See: journalctl -u %s. When it is mended: systemctl reset-failed %s", unit,
                        unit);
        return findings_add(findings, finding_new("unit-failed", "warn", text, NULL, remedy));
}

static int add_masked(json_object *findings, const char *path, bool is_runtime) {
        const char *slash = strrchr(path, '/');
        const char *unit = slash ? slash + 1 : path;
        char text[512], remedy[512];

        snprintf(text, sizeof(text), "%s is masked, so that it is never started.", unit);
        snprintf(remedy, sizeof(remedy), "Unless that is meant: systemctl unmask %s%s", is_runtime ? "--runtime " : "",
                        unit);
        return findings_add(findings, finding_new("unit-masked", "warn", text, NULL, remedy));
}

static int find_failed(sd_bus *bus, uint64_t deadline_usec, json_object *findings) {
        static const char *const states[] = { "failed", NULL };
        _cleanup_(message_unrefp) sd_bus_message *answer = NULL;
        sd_bus_message *call;
        const char *unit;
        int r;

        r = make_call(bus, "ListUnitsByPatterns", states, &call);
        if (r >= 0)
                r = ask(bus, deadline_usec, call, &answer);
        if (r >= 0)
                r = sd_bus_message_enter_container(answer, 'a', "(ssssssouso)");
        while (r >= 0 && (r = sd_bus_message_read(answer, "(ssssssouso)", &unit, NULL, NULL, NULL, NULL, NULL, NULL,
                                          NULL, NULL, NULL)) > 0)
                r = add_failed(findings, unit);
        return r;
}

/* Unit files, not units: a masked one is loaded only while somebody asks for it, and a template never. */
static int find_masked(sd_bus *bus, uint64_t deadline_usec, json_object *findings) {
        static const char *const states[] = { "masked", "masked-runtime", NULL };
        _cleanup_(message_unrefp) sd_bus_message *answer = NULL;
        sd_bus_message *call;
        const char *path, *state;
        int r;

        r = make_call(bus, "ListUnitFilesByPatterns", states, &call);
        if (r >= 0)
                r = ask(bus, deadline_usec, call, &answer);
        if (r >= 0)
                r = sd_bus_message_enter_container(answer, 'a', "(ss)");
        while (r >= 0 && (r = sd_bus_message_read(answer, "(ss)", &path, &state)) > 0)
                r = add_masked(findings, path, strcmp(state, "masked-runtime") == 0);
        return r;
}

int services_findings_over(sd_bus *bus, uint64_t deadline_usec, json_object **ret) {
        _cleanup_json_ json_object *findings = json_object_new_array();
        int r;

        if (!findings)
                return -ENOMEM;
        r = wait_ready(bus, deadline_usec);
        if (r >= 0)
                r = find_failed(bus, deadline_usec, findings);
        if (r >= 0)
                r = find_masked(bus, deadline_usec, findings);
        if (r >= 0)
                *ret = TAKE_PTR(findings);
        return r;
}

int services_findings(json_object **ret) {
        _cleanup_(bus_closep) sd_bus *bus = NULL;
        int r;

        if (sd_booted() <= 0) {
                *ret = json_object_new_array();
                return *ret ? 0 : -ENOMEM;
        }
        r = systemd_connect(&bus);
        return r < 0 ? r : services_findings_over(bus, now_usec() + TIMEOUT_USEC, ret);
}

/* The answer is read up to the value, of the given type. */
static int get_property(sd_bus *bus, uint64_t deadline_usec, const char *interface, const char *name, const char *type,
                sd_bus_message **ret) {
        _cleanup_(message_unrefp) sd_bus_message *call = NULL, *answer = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &call, SYSTEMD_NAME, COMMIT_TIMER_PATH,
                        "org.freedesktop.DBus.Properties", "Get");
        if (r >= 0)
                r = sd_bus_message_append(call, "ss", interface, name);
        if (r >= 0)
                r = ask(bus, deadline_usec, TAKE_PTR(call), &answer);
        if (r >= 0)
                r = sd_bus_message_enter_container(answer, 'v', type);
        if (r >= 0)
                *ret = TAKE_PTR(answer);
        return r;
}

/* One that does not run has a next time all the same, which is of the past or never comes. */
int services_next_window_over(sd_bus *bus, uint64_t deadline_usec, uint64_t *ret_usec) {
        _cleanup_(message_unrefp) sd_bus_message *state = NULL, *next = NULL;
        const char *name;
        uint64_t usec;
        int r;

        r = wait_ready(bus, deadline_usec);
        if (r >= 0)
                r = get_property(bus, deadline_usec, "org.freedesktop.systemd1.Unit", "ActiveState", "s", &state);
        if (r >= 0)
                r = sd_bus_message_read(state, "s", &name);
        if (r >= 0 && strcmp(name, "active") != 0)
                r = -ENOENT;
        if (r >= 0)
                r = get_property(bus, deadline_usec, "org.freedesktop.systemd1.Timer", "NextElapseUSecRealtime", "t",
                                &next);
        if (r >= 0)
                r = sd_bus_message_read(next, "t", &usec);
        if (r >= 0 && (usec == 0 || usec == UINT64_MAX))
                r = -ENOENT;
        if (r < 0)
                return r;
        *ret_usec = usec;
        return 0;
}

int services_next_window(uint64_t *ret_usec) {
        _cleanup_(bus_closep) sd_bus *bus = NULL;
        int r;

        if (sd_booted() <= 0)
                return -ENOENT;
        r = systemd_connect(&bus);
        return r < 0 ? r : services_next_window_over(bus, now_usec() + TIMEOUT_USEC, ret_usec);
}
