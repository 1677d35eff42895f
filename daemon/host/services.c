/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The object, its connection and its time limit. What is done over them is in services-stop.c and services-start.c:
 * calls that follow each other, each sent when the one before was answered, then jobs that are waited for. */

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "basic/log.h"
#include "host/services-internal.h"

Services *services_free(Services *s) {
        if (!s)
                return NULL;
        sd_event_source_disable_unref(s->timer);
        sd_event_source_disable_unref(s->over);
        units_clear(&s->units);
        jobs_clear(&s->jobs);
        sd_bus_slot_unref(s->call);
        sd_bus_slot_unref(s->job_removed);
        sd_bus_slot_unref(s->disconnected);
        sd_bus_close_unref(s->bus);
        sd_event_unref(s->event);
        fd_close(s->list_fd);
        free(s->wants_directory);
        free(s->keep);
        free(s->target_job);
        free(s->failed);
        free(s->vanished);
        free(s->why);
        free(s);
        return NULL;
}

static int on_over(sd_event_source *source, void *userdata) {
        Services *s = userdata;
        _cleanup_free_ char *why = TAKE_PTR(s->why);

        s->done(s->error, s->error < 0 ? why ?: "Out of memory." : NULL, s->userdata);
        return 0;
}

void services_interrupt(Services *s) {
        s->phase = SERVICES_IDLE;
        s->call = sd_bus_slot_unref(s->call);
        s->timer = sd_event_source_disable_unref(s->timer);
        s->over = sd_event_source_disable_unref(s->over);
        jobs_clear(&s->jobs);
        for (size_t i = 0; i < s->units.n; i++)
                s->units.items[i].call = sd_bus_slot_unref(s->units.items[i].call);
}

void services_finish(Services *s, int error, const char *format, ...) {
        va_list arguments;

        if (s->phase == SERVICES_IDLE)
                return;
        s->phase = SERVICES_IDLE;
        s->call = sd_bus_slot_unref(s->call);
        s->timer = sd_event_source_disable_unref(s->timer);
        s->error = error;
        free(TAKE_PTR(s->why));
        if (error < 0) {
                va_start(arguments, format);
                if (vasprintf(&s->why, format, arguments) < 0)
                        s->why = NULL;
                va_end(arguments);
        }
        (void) sd_event_source_set_enabled(s->over, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        Services *s = userdata;
        _cleanup_free_ char *units = jobs_to_text(&s->jobs);
        uint64_t seconds = s->timeout_usec / 1000000;

        if (s->jobs.n == 0)
                services_finish(s, -ETIMEDOUT, "Systemd did not answer within %" PRIu64 " s.", seconds);
        else if (s->phase == SERVICES_STOPPING)
                services_finish(s, -ETIMEDOUT, "Not stopped within %" PRIu64 " s: %s. See: systemctl list-jobs. "
                                "More time: QuiesceTimeoutSec= in liveupdated.conf.", seconds, units ?: "?");
        else
                services_finish(s, -ETIMEDOUT, "Not started again within %" PRIu64 " s: %s. See: systemctl list-jobs.",
                                seconds, units ?: "?");
        return 0;
}

static uint64_t deadline_usec(uint64_t timeout_usec) {
        uint64_t now = now_usec();

        return timeout_usec < UINT64_MAX - now ? now + timeout_usec : UINT64_MAX;
}

int services_begin(Services *s, ServicesPhase phase, uint64_t timeout_usec, ServicesDoneFunc done, void *userdata) {
        int r;

        s->done = done;
        s->userdata = userdata;
        s->timeout_usec = timeout_usec;
        r = sd_event_add_defer(s->event, &s->over, on_over, s);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(s->over, SD_EVENT_OFF);
        if (r < 0)
                return r;
        /* Not relative to the event loop's clock, which stands still in a handler, however long that takes. */
        r = sd_event_add_time(s->event, &s->timer, CLOCK_MONOTONIC, deadline_usec(timeout_usec), 0, on_timer, s);
        if (r < 0)
                return r;
        s->phase = phase;
        return 0;
}

void services_call(Services *s, const char *method, sd_bus_message_handler_t handler, const char *types, ...) {
        va_list arguments;
        int r;

        s->call = sd_bus_slot_unref(s->call);
        va_start(arguments, types);
        r = sd_bus_call_method_asyncv(s->bus, &s->call, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, method, handler, s,
                        types, arguments);
        va_end(arguments);
        if (r < 0)
                services_finish(s, r, "Cannot call systemd's %s(): %s.", method, strerror(-r));
}

bool services_is_refused(Services *s, sd_bus_message *m, const char *what) {
        const char *text;
        int r = systemd_error(m, &text);

        if (r < 0)
                services_finish(s, r, "Systemd does not %s: %s", what, text);
        return r < 0;
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        services_finish(userdata, -ECONNRESET, "The connection to systemd broke.");
        return 0;
}

static int on_job_removed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Services *s = userdata;
        const char *path, *unit, *result;

        if (sd_bus_message_read(m, "uoss", NULL, &path, &unit, &result) < 0)
                return 0;
        if (s->phase == SERVICES_STOPPING)
                services_stop_job_removed(s, path, unit, result);
        else if (s->phase == SERVICES_STARTING)
                services_start_job_removed(s, path, unit, result);
        return 0;
}

static int services_attach(Services *s) {
        int r;

        r = sd_bus_match_signal_async(s->bus, &s->job_removed, systemd_sender(s->bus), SYSTEMD_PATH,
                        SYSTEMD_MANAGER, "JobRemoved", on_job_removed, NULL, s);
        if (r < 0)
                return r;
        r = sd_bus_match_signal_async(s->bus, &s->disconnected, "org.freedesktop.DBus.Local",
                        "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local", "Disconnected", on_disconnected,
                        NULL, s);
        if (r < 0)
                return r;
        /* One limit for all is the timer's. */
        r = sd_bus_set_method_call_timeout(s->bus, UINT64_MAX);
        return r < 0 ? r : sd_bus_attach_event(s->bus, s->event, SD_EVENT_PRIORITY_NORMAL);
}

int services_connect(Services *s) {
        int r;

        if (s->bus && sd_bus_is_open(s->bus) > 0)
                return 0;
        s->job_removed = sd_bus_slot_unref(s->job_removed);
        s->disconnected = sd_bus_slot_unref(s->disconnected);
        s->bus = sd_bus_close_unref(s->bus);
        r = systemd_connect(&s->bus);
        return r < 0 ? r : services_attach(s);
}

int services_new(sd_event *event, sd_bus *bus, const char *wants_directory, Services **ret) {
        _cleanup_(services_freep) Services *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        s->event = sd_event_ref(event);
        s->list_fd = -EBADF;
        s->wants_directory = strdup(wants_directory);
        if (!s->wants_directory)
                return -ENOMEM;
        if (bus) {
                s->bus = sd_bus_ref(bus);
                r = services_attach(s);
                if (r < 0)
                        return r;
                sd_bus_unref(bus);
        }
        *ret = TAKE_PTR(s);
        return 0;
}

void services_on_listed(Services *s, ServicesListedFunc listed, void *userdata) {
        s->listed = listed;
        s->listed_userdata = userdata;
}
