/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The units that run are listed, what has to go on is linked to liveupdate.target, the target is isolated, and every
 * stop job is waited for: the target's own job ends before those it does not come after. */

#include <errno.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include "basic/log.h"
#include "host/services-internal.h"

#define UNIT_PATH SYSTEMD_PATH "/unit"

static void keep_next(Services *s);

/* Jobs. */

static int read_jobs(Services *s, sd_bus_message *m) {
        const char *unit, *type, *path;
        int r;

        jobs_clear(&s->jobs);
        r = sd_bus_message_enter_container(m, 'a', "(usssoo)");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read(m, "(usssoo)", NULL, &unit, &type, NULL, &path, NULL)) > 0) {
                if (strcmp(type, "stop") != 0 && strcmp(path, s->target_job) != 0)
                        continue;
                r = jobs_add(&s->jobs, path, unit);
                if (r < 0)
                        return r;
        }
        return r;
}

static int on_jobs(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Services *s = userdata;
        int r;

        if (services_is_refused(s, m, "list its jobs"))
                return 0;
        r = read_jobs(s, m);
        if (r < 0)
                services_finish(s, r, "Cannot read systemd's jobs: %s.", strerror(-r));
        else if (s->jobs.n == 0)
                services_finish(s, 0, NULL);
        return 0;
}

void services_stop_job_removed(Services *s, const char *path, const char *unit, const char *result) {
        bool is_waited_for = jobs_remove(&s->jobs, path);

        if (s->target_job && strcmp(path, s->target_job) == 0 && strcmp(result, "done") != 0) {
                services_finish(s, -EIO, LIVEUPDATE_TARGET " was not reached: %s. See: systemctl status "
                                LIVEUPDATE_TARGET, result);
                return;
        }
        if (!is_waited_for)
                return;
        if (strcmp(result, "done") != 0)
                log_warning("The stop of %s ended with: %s", unit, result);
        if (s->jobs.n == 0) /* again, for what was queued since */
                services_call(s, "ListJobs", on_jobs, "");
}

/* Isolation. */

static void refuse_isolation(Services *s, sd_bus_message *m) {
        const char *text, *remedy = "See: systemctl status " LIVEUPDATE_TARGET;
        int r = systemd_error(m, &text);

        if (sd_bus_message_is_method_error(m, "org.freedesktop.systemd1.NoSuchUnit"))
                remedy = "Install it with the rest of liveupdated, then: systemctl daemon-reload";
        else if (sd_bus_message_is_method_error(m, "org.freedesktop.systemd1.UnitMasked"))
                remedy = "Use: systemctl unmask " LIVEUPDATE_TARGET;
        else if (sd_bus_message_is_method_error(m, "org.freedesktop.systemd1.NoIsolation"))
                remedy = "It lacks AllowIsolate=yes. See: systemctl cat " LIVEUPDATE_TARGET;
        s->is_isolated = sd_bus_is_open(s->bus) <= 0; /* nobody knows then */
        services_finish(s, r, "Systemd does not isolate " LIVEUPDATE_TARGET ": %s %s", text, remedy);
}

static int on_isolating(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Services *s = userdata;
        const char *path;

        /* A job's end is told after the call that queued it is answered: jobs are run from PID 1's event loop, when
         * it is idle (src/core/manager.c, manager_setup_run_queue()). */
        if (sd_bus_message_is_method_error(m, NULL))
                refuse_isolation(s, m);
        else if (sd_bus_message_read(m, "o", &path) < 0 || !(s->target_job = strdup(path)))
                services_finish(s, -ENOMEM, "Cannot read systemd's answer.");
        else
                services_call(s, "ListJobs", on_jobs, "");
        return 0;
}

static void isolate(Services *s) {
        s->phase = SERVICES_STOPPING;
        s->is_isolated = true;
        services_call(s, "StartUnit", on_isolating, "ss", LIVEUPDATE_TARGET, "isolate");
}

static int on_reloaded(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Services *s = userdata;

        if (!services_is_refused(s, m, "reload its units"))
                isolate(s);
        return 0;
}

/* The links are read with the unit. Where it is loaded already, all units have to be read again. */
static int on_target(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Services *s = userdata;

        if (sd_bus_message_is_method_error(m, "org.freedesktop.systemd1.NoSuchUnit"))
                isolate(s);
        else if (!services_is_refused(s, m, "tell whether " LIVEUPDATE_TARGET " is loaded"))
                services_call(s, "Reload", on_reloaded, "");
        return 0;
}

/* What goes on. */

static int on_kept_unit(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Services *s = userdata;
        _cleanup_free_ char *unit = NULL;
        const char *path;
        int r;

        if (sd_bus_message_is_method_error(m, "org.freedesktop.systemd1.NoUnitForPID")) {
                keep_next(s); /* has ended, or nobody stops it */
                return 0;
        }
        if (services_is_refused(s, m, "tell the unit of a process that has to go on"))
                return 0;
        r = sd_bus_message_read(m, "o", &path);
        if (r >= 0)
                r = sd_bus_path_decode(path, UNIT_PATH, &unit);
        if (r == 0)
                r = -EBADMSG;
        if (r > 0 && text_ends_with(unit, ".service")) /* scopes go on in any case */
                r = links_add(s->wants_directory, unit);
        if (r < 0)
                services_finish(s, r, "Cannot have %s go on: %s: %s.", unit ?: "a unit", s->wants_directory,
                                strerror(-r));
        else
                keep_next(s);
        return 0;
}

/* What goes on is not to be started again either: should it end in between, it is because it was told to. */
static int remember(Services *s) {
        int r = links_add_sockets(s->wants_directory, &s->units);

        if (r < 0)
                return r;
        units_keep_restartable(&s->units, s->wants_directory);
        r = units_to_memfd(&s->units, &s->list_fd);
        if (r >= 0 && s->listed)
                s->listed(s->list_fd, s->listed_userdata);
        return r;
}

static void keep_next(Services *s) {
        int r;

        if (s->n_kept < s->n_keep) {
                services_call(s, "GetUnitByPID", on_kept_unit, "u", (uint32_t) s->keep[s->n_kept++]);
                return;
        }
        r = remember(s);
        if (r < 0)
                services_finish(s, r, "Cannot note which services are to be stopped: %s.", strerror(-r));
        else
                services_call(s, "GetUnit", on_target, "s", LIVEUPDATE_TARGET);
}

static int on_units(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Services *s = userdata;
        int r;

        if (services_is_refused(s, m, "list its units"))
                return 0;
        units_clear(&s->units);
        r = units_read(m, &s->units);
        if (r >= 0)
                r = links_clear(s->wants_directory);
        if (r >= 0)
                r = links_add_indispensable(s->wants_directory, &s->units);
        if (r < 0)
                services_finish(s, r, "Cannot have services go on: %s: %s.", s->wants_directory, strerror(-r));
        else
                keep_next(s);
        return 0;
}

int services_stop_over(Services *s, const pid_t *keep, size_t n_keep, uint64_t timeout_usec,
                ServicesDoneFunc done, void *userdata) {
        int r;

        s->keep = calloc(n_keep + 1, sizeof(*keep));
        if (!s->keep)
                return -ENOMEM;
        if (n_keep > 0)
                memcpy(s->keep, keep, n_keep * sizeof(*keep));
        s->keep[n_keep] = getpid();
        s->n_keep = n_keep + 1;

        r = services_begin(s, SERVICES_PREPARING, timeout_usec, done, userdata);
        if (r < 0)
                return r;
        r = services_connect(s);
        if (r < 0)
                services_finish(s, r, "Cannot connect to systemd: %s.", strerror(-r));
        else
                services_call(s, "ListUnits", on_units, "");
        return 1;
}

int services_stop(sd_event *event, const pid_t *keep, size_t n_keep, uint64_t timeout_usec, ServicesDoneFunc done,
                void *userdata, Services **ret) {
        _cleanup_(services_freep) Services *s = NULL;
        int r;

        *ret = NULL;
        r = sd_booted();
        if (r <= 0)
                return r;
        r = services_new(event, NULL, LIVEUPDATE_WANTS, &s);
        if (r < 0)
                return r;
        r = services_stop_over(s, keep, n_keep, timeout_usec, done, userdata);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 1;
}
