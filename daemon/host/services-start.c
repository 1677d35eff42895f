/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What ran before and does not run now is started, in two rounds. First all but targets, by jobs that replace those of
 * a stop that is still under way, and all at once: PID 1 takes in every call before it runs the first job, and so knows
 * the order. Then targets, each by itself: their dependencies would start what an administrator had stopped by hand. */

#include <errno.h>
#include <stdlib.h>

#include "basic/io.h"
#include "basic/log.h"
#include "host/services-internal.h"

#define LIST_SIZE_MAX (4U << 20)

static void list_running(Services *s);

static int on_target_stopping(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Services *s = userdata;
        const char *text;
        int r = systemd_error(m, &text);

        /* Where it was never reached it may not even be loaded. */
        if (r < 0 && !sd_bus_message_is_method_error(m, "org.freedesktop.systemd1.NoSuchUnit"))
                log_warning("Systemd does not stop " LIVEUPDATE_TARGET ": %s", text);
        services_finish(s, 0, NULL);
        return 0;
}

static void start_over(Services *s) {
        _cleanup_free_ char *failed = names_to_text(s->failed, s->n_failed);
        _cleanup_free_ char *vanished = names_to_text(s->vanished, s->n_vanished);

        if (s->n_vanished > 0)
                log_warning("Not started again, as their units are gone with them (systemd-run?): %s", vanished ?: "?");
        if (s->n_failed > 0) {
                services_finish(s, -EIO, "Not started again: %s. See: systemctl --failed, journalctl -u NAME",
                                failed ?: "?");
                return;
        }
        s->is_isolated = false;
        /* Not before: what nothing but the target still needed could stop with it. */
        services_call(s, "StopUnit", on_target_stopping, "ss", LIVEUPDATE_TARGET, "replace");
}

static void start_advance(Services *s) {
        if (s->phase != SERVICES_STARTING || s->n_asked > 0 || s->jobs.n > 0)
                return;
        if (s->are_targets_asked) {
                start_over(s);
                return;
        }
        s->are_targets_asked = true;
        list_running(s);
}

static void note_failure(Services *s, const Unit *unit, const char *remark) {
        if (unit && unit->was_starting)
                log_warning("%s, which was starting before, does not start: %s", unit->name, remark);
        else if (unit && names_append(&s->failed, &s->n_failed, unit->name, remark) < 0)
                services_finish(s, -ENOMEM, "%s does not start: %s", unit->name, remark);
}

void services_start_job_removed(Services *s, const char *path, const char *unit, const char *result) {
        if (!jobs_remove(&s->jobs, path))
                return;
        /* "skipped": a condition of the unit's did not hold, which is as good as it gets. */
        if (strcmp(result, "done") != 0 && strcmp(result, "skipped") != 0)
                note_failure(s, units_find(&s->units, unit), result);
        start_advance(s);
}

static void note_refusal(Services *s, Unit *unit, sd_bus_message *m) {
        const char *text = "";

        (void) systemd_error(m, &text);
        if (sd_bus_message_is_method_error(m, "org.freedesktop.systemd1.OnlyByDependency"))
                log_debug("%s comes back with what needs it.", unit->name);
        else if (!sd_bus_message_is_method_error(m, "org.freedesktop.systemd1.NoSuchUnit"))
                note_failure(s, unit, text);
        else if (names_append(&s->vanished, &s->n_vanished, unit->name, NULL) < 0)
                services_finish(s, -ENOMEM, "%s is gone.", unit->name);
}

static int on_starting(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Unit *unit = userdata;
        Services *s = unit->services;
        const char *path;

        unit->call = sd_bus_slot_unref(unit->call);
        s->n_asked--;
        if (s->phase != SERVICES_STARTING)
                return 0;
        if (sd_bus_is_open(s->bus) <= 0) {
                services_finish(s, -ECONNRESET, "The connection to systemd broke.");
                return 0;
        }
        if (sd_bus_message_is_method_error(m, NULL))
                note_refusal(s, unit, m);
        else if (sd_bus_message_read(m, "o", &path) < 0 ||
                        /* What was starting may go on with that for hours, as before. */
                        (!unit->was_starting && jobs_add(&s->jobs, path, unit->name) < 0))
                services_finish(s, -ENOMEM, "Cannot read systemd's answer.");
        start_advance(s);
        return 0;
}

static int ask(Services *s, Unit *unit, bool is_target) {
        int r;

        unit->services = s;
        /* "fail" would give up on what is being stopped. */
        r = sd_bus_call_method_async(s->bus, &unit->call, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, "StartUnit",
                        on_starting, unit, "ss", unit->name, is_target ? "ignore-dependencies" : "replace");
        if (r >= 0)
                s->n_asked++;
        return r;
}

static int on_running(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Services *s = userdata;
        Units running = {};
        int r;

        if (services_is_refused(s, m, "list its units"))
                return 0;
        r = units_read(m, &running);
        for (size_t i = 0; r >= 0 && i < s->units.n; i++) {
                Unit *unit = &s->units.items[i];

                if (text_ends_with(unit->name, ".target") == s->are_targets_asked && !units_find(&running, unit->name))
                        r = ask(s, unit, s->are_targets_asked);
        }
        units_clear(&running);
        if (r < 0)
                services_finish(s, r, "Cannot start services again: %s.", strerror(-r));
        start_advance(s);
        return 0;
}

static void list_running(Services *s) {
        services_call(s, "ListUnits", on_running, "");
}

static void start_afresh(Services *s) {
        s->n_asked = 0;
        s->are_targets_asked = false;
        free(TAKE_PTR(s->failed));
        free(TAKE_PTR(s->vanished));
        s->n_failed = s->n_vanished = 0;
}

int services_start(Services *s, uint64_t timeout_usec, ServicesDoneFunc done, void *userdata) {
        int r;

        services_interrupt(s);
        r = links_clear(s->wants_directory);
        if (r < 0)
                log_warning_errno(r, "Cannot remove the links in %s: %m", s->wants_directory);
        if (!s->is_isolated || s->units.n == 0)
                return 0;

        r = services_begin(s, SERVICES_STARTING, timeout_usec, done, userdata);
        if (r < 0)
                return r;
        start_afresh(s);
        r = services_connect(s);
        if (r < 0)
                services_finish(s, r, "Cannot connect to systemd: %s.", strerror(-r));
        else
                list_running(s);
        return 1;
}

int services_inherit_over(Services *s, int list_fd) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        r = read_fd(list_fd, LIST_SIZE_MAX, &text, &size);
        if (r < 0)
                return r;
        r = units_from_text(text, size, &s->units);
        if (r < 0)
                return r;
        s->list_fd = list_fd;
        s->is_isolated = true;
        return 0;
}

int services_inherit(sd_event *event, int fd, Services **ret) {
        _cleanup_(services_freep) Services *s = NULL;
        _cleanup_fd_ int list_fd = fd;
        int r;

        r = services_new(event, NULL, LIVEUPDATE_WANTS, &s);
        if (r < 0)
                return r;
        r = services_inherit_over(s, list_fd);
        if (r < 0)
                return r;
        TAKE_FD(list_fd);
        *ret = TAKE_PTR(s);
        return 0;
}
