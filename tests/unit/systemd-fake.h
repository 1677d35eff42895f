/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A PID 1 that knows units and jobs as systemd does, so far as an isolation and its reverse ask for it: the other end
 * of a connection, in the same event loop. Jobs are run one by one, when the loop is idle. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-bus.h>

#include "host/services-internal.h"
#include "unit.h"

#define FAKE_MAX 64U

typedef struct FakeUnit {
        char name[64];
        const char *state;
        const char *start_result; /* of a start job; NULL: "done" */
        const char *start_error;  /* name of an error instead of a job */
        bool hangs;               /* its jobs do not end */
} FakeUnit;

typedef struct FakeJob {
        uint32_t id;
        FakeUnit *unit;
        const char *type;
} FakeJob;

typedef struct Fake {
        sd_event *event;
        sd_bus *server, *client;
        sd_event_source *idle;
        char directory[64], wants[96];
        FakeUnit units[FAKE_MAX];
        FakeJob jobs[FAKE_MAX];
        size_t n_units, n_jobs;
        uint32_t last_id;
        const char *isolate_error; /* name */
        const char *target_result; /* of the job of liveupdate.target; NULL: "done" */
        const char *breaks_at;     /* the method that is answered by hanging up */
        char calls[4096];          /* "StartUnit a.service replace\n" */
} Fake;

static inline FakeUnit *fake_add(Fake *f, const char *name, const char *state) {
        FakeUnit *unit = &f->units[f->n_units++];

        ck_assert_uint_le(f->n_units, FAKE_MAX);
        snprintf(unit->name, sizeof(unit->name), "%s", name);
        unit->state = state;
        return unit;
}

static inline FakeUnit *fake_unit(Fake *f, const char *name) {
        for (size_t i = 0; i < f->n_units; i++)
                if (strcmp(f->units[i].name, name) == 0)
                        return &f->units[i];
        return NULL;
}

static inline void fake_forget(Fake *f, const char *name) {
        FakeUnit *unit = fake_unit(f, name);

        ck_assert_ptr_nonnull(unit);
        snprintf(unit->name, sizeof(unit->name), "~forgotten");
        unit->state = "inactive";
}

static inline const char *fake_state(Fake *f, const char *name) {
        FakeUnit *unit = fake_unit(f, name);

        return unit ? unit->state : "unknown";
}

static inline bool fake_was_called(const Fake *f, const char *call) {
        char line[256];

        snprintf(line, sizeof(line), "%s\n", call);
        return strstr(f->calls, line);
}

static inline FakeJob *fake_job_of(Fake *f, const FakeUnit *unit) {
        for (size_t i = 0; i < f->n_jobs; i++)
                if (f->jobs[i].unit == unit)
                        return &f->jobs[i];
        return NULL;
}

static inline void fake_job_path(const FakeJob *job, char path[static 64]) {
        snprintf(path, 64, SYSTEMD_PATH "/job/%u", job->id);
}

static inline void fake_remove_job(Fake *f, FakeJob *job, const char *result) {
        char path[64];

        fake_job_path(job, path);
        ck_assert_int_ge(sd_bus_emit_signal(f->server, SYSTEMD_PATH, SYSTEMD_MANAGER, "JobRemoved", "uoss", job->id,
                                         path, job->unit->name, result), 0);
        *job = f->jobs[--f->n_jobs];
}

static inline void fake_finish_job(Fake *f, FakeJob *job) {
        const char *result = "done";

        if (strcmp(job->type, "stop") == 0)
                job->unit->state = "inactive";
        else {
                result = job->unit->start_result ?: "done";
                if (strcmp(job->unit->name, LIVEUPDATE_TARGET) == 0)
                        result = f->target_result ?: "done";
                job->unit->state = strcmp(result, "done") == 0 ? "active" : "failed";
        }
        fake_remove_job(f, job, result);
}

static inline int fake_on_idle(sd_event_source *source, void *userdata) {
        Fake *f = userdata;

        for (size_t i = 0; i < f->n_jobs; i++)
                if (!f->jobs[i].unit->hangs) {
                        fake_finish_job(f, &f->jobs[i]);
                        return 0;
                }
        return sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

static inline FakeJob *fake_queue(Fake *f, FakeUnit *unit, const char *type) {
        FakeJob *job = fake_job_of(f, unit);

        if (job && strcmp(job->type, type) == 0)
                return job;
        if (job) {
                fake_remove_job(f, job, "canceled");
                unit->hangs = false;
        }
        job = &f->jobs[f->n_jobs++];
        *job = (FakeJob){ .id = ++f->last_id, .unit = unit, .type = type };
        ck_assert_int_ge(sd_event_source_set_enabled(f->idle, SD_EVENT_ON), 0);
        return job;
}

static inline bool fake_is_kept(const Fake *f, const FakeUnit *unit) {
        static const char *const fixed[] = { "sysinit.target", "session-1.scope", LIVEUPDATE_TARGET };
        char path[192];
        struct stat st;

        for (size_t i = 0; i < ELEMENTSOF(fixed); i++)
                if (strcmp(unit->name, fixed[i]) == 0)
                        return true;
        snprintf(path, sizeof(path), "%s/%s", f->wants, unit->name);
        return lstat(path, &st) >= 0;
}

static inline void fake_isolate(Fake *f) {
        for (size_t i = 0; i < f->n_units; i++) {
                FakeUnit *unit = &f->units[i];
                bool runs = strcmp(unit->state, "inactive") != 0 && strcmp(unit->state, "failed") != 0;

                if (runs && !fake_is_kept(f, unit))
                        fake_queue(f, unit, "stop");
        }
}

/* Methods. */

static inline void fake_note(Fake *f, sd_bus_message *m, const char *a, const char *b) {
        size_t n = strlen(f->calls);

        snprintf(f->calls + n, sizeof(f->calls) - n, "%s%s%s%s%s\n", sd_bus_message_get_member(m), a ? " " : "",
                        a ?: "", b ? " " : "", b ?: "");
}

static inline bool fake_breaks(Fake *f, sd_bus_message *m) {
        if (!f->breaks_at || strcmp(sd_bus_message_get_member(m), f->breaks_at) != 0)
                return false;
        sd_bus_close(f->server);
        return true;
}

static inline int fake_list_units(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Fake *f = userdata;
        sd_bus_message *reply;
        int r;

        fake_note(f, m, NULL, NULL);
        if (fake_breaks(f, m))
                return 1;
        ck_assert_int_ge(sd_bus_message_new_method_return(m, &reply), 0);
        ck_assert_int_ge(sd_bus_message_open_container(reply, 'a', "(ssssssouso)"), 0);
        for (size_t i = 0; i < f->n_units; i++) {
                FakeJob *job = fake_job_of(f, &f->units[i]);

                if (f->units[i].name[0] == '~')
                        continue;
                r = sd_bus_message_append(reply, "(ssssssouso)", f->units[i].name, "A unit", "loaded",
                                f->units[i].state, "", "", SYSTEMD_PATH "/unit/x", job ? job->id : 0,
                                job ? job->type : "", "/");
                ck_assert_int_ge(r, 0);
        }
        ck_assert_int_ge(sd_bus_message_close_container(reply), 0);
        r = sd_bus_send(NULL, reply, NULL);
        sd_bus_message_unref(reply);
        return r < 0 ? r : 1;
}

static inline int fake_list_jobs(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Fake *f = userdata;
        sd_bus_message *reply;
        int r;

        fake_note(f, m, NULL, NULL);
        if (fake_breaks(f, m))
                return 1;
        ck_assert_int_ge(sd_bus_message_new_method_return(m, &reply), 0);
        ck_assert_int_ge(sd_bus_message_open_container(reply, 'a', "(usssoo)"), 0);
        for (size_t i = 0; i < f->n_jobs; i++) {
                char path[64];

                fake_job_path(&f->jobs[i], path);
                r = sd_bus_message_append(reply, "(usssoo)", f->jobs[i].id, f->jobs[i].unit->name, f->jobs[i].type,
                                "waiting", path, SYSTEMD_PATH "/unit/x");
                ck_assert_int_ge(r, 0);
        }
        ck_assert_int_ge(sd_bus_message_close_container(reply), 0);
        r = sd_bus_send(NULL, reply, NULL);
        sd_bus_message_unref(reply);
        return r < 0 ? r : 1;
}

static inline int fake_start(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Fake *f = userdata;
        const char *name, *mode;
        char path[64];
        FakeUnit *unit;

        ck_assert_int_ge(sd_bus_message_read(m, "ss", &name, &mode), 0);
        fake_note(f, m, name, mode);
        if (fake_breaks(f, m))
                return 1;
        unit = fake_unit(f, name);
        if (strcmp(mode, "isolate") == 0 && f->isolate_error)
                return sd_bus_error_setf(error, f->isolate_error, "Refused.");
        if (!unit && strcmp(name, LIVEUPDATE_TARGET) == 0)
                unit = fake_add(f, name, "inactive");
        if (!unit)
                return sd_bus_error_setf(error, "org.freedesktop.systemd1.NoSuchUnit", "Unit %s not found.", name);
        if (unit->start_error)
                return sd_bus_error_setf(error, unit->start_error, "Refused.");
        /* The target's job goes first, to be over before the others are. */
        fake_job_path(fake_queue(f, unit, "start"), path);
        if (strcmp(mode, "isolate") == 0)
                fake_isolate(f);
        return sd_bus_reply_method_return(m, "o", path);
}

static inline int fake_stop(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Fake *f = userdata;
        const char *name, *mode;
        char path[64];

        ck_assert_int_ge(sd_bus_message_read(m, "ss", &name, &mode), 0);
        fake_note(f, m, name, mode);
        if (!fake_unit(f, name))
                return sd_bus_error_setf(error, "org.freedesktop.systemd1.NoSuchUnit", "Unit %s not loaded.", name);
        fake_job_path(fake_queue(f, fake_unit(f, name), "stop"), path);
        return sd_bus_reply_method_return(m, "o", path);
}

static inline int fake_reload(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        fake_note(userdata, m, NULL, NULL);
        return fake_breaks(userdata, m) ? 1 : sd_bus_reply_method_return(m, "");
}

static inline int fake_get_unit(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Fake *f = userdata;
        const char *name;

        ck_assert_int_ge(sd_bus_message_read(m, "s", &name), 0);
        fake_note(f, m, name, NULL);
        if (!fake_unit(f, name))
                return sd_bus_error_setf(error, "org.freedesktop.systemd1.NoSuchUnit", "Unit %s not loaded.", name);
        return sd_bus_reply_method_return(m, "o", SYSTEMD_PATH "/unit/x");
}

/* 101 is of guest@1.service, 102 of a session, others of none; this process is liveupdated. */
static inline int fake_get_unit_by_pid(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Fake *f = userdata;
        const char *name = NULL;
        uint32_t pid;
        char *path;
        int r;

        ck_assert_int_ge(sd_bus_message_read(m, "u", &pid), 0);
        fake_note(f, m, NULL, NULL);
        if (fake_breaks(f, m))
                return 1;
        if (pid == (uint32_t) getpid())
                name = "liveupdated.service";
        else if (pid == 101)
                name = "guest@1.service";
        else if (pid == 102)
                name = "session-1.scope";
        if (!name)
                return sd_bus_error_setf(error, "org.freedesktop.systemd1.NoUnitForPID", "PID %u is of no unit.", pid);
        ck_assert_int_ge(sd_bus_path_encode(SYSTEMD_PATH "/unit", name, &path), 0);
        r = sd_bus_reply_method_return(m, "o", path);
        free(path);
        return r;
}

static const sd_bus_vtable fake_manager[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("ListUnits", "", "a(ssssssouso)", fake_list_units, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("ListJobs", "", "a(usssoo)", fake_list_jobs, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("StartUnit", "ss", "o", fake_start, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("StopUnit", "ss", "o", fake_stop, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Reload", "", "", fake_reload, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("GetUnit", "s", "o", fake_get_unit, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("GetUnitByPID", "u", "o", fake_get_unit_by_pid, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_SIGNAL("JobRemoved", "uoss", 0),
        SD_BUS_VTABLE_END,
};

/* Both ends of a connection, the client's not started by the side that waits for it. */
static inline void fake_connect(sd_bus **ret_server, sd_bus **ret_client) {
        sd_bus *server, *client;
        sd_id128_t id;
        int fds[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        ck_assert_int_ge(sd_id128_randomize(&id), 0);
        ck_assert_int_ge(sd_bus_new(&server), 0);
        ck_assert_int_ge(sd_bus_set_fd(server, fds[0], fds[0]), 0);
        ck_assert_int_ge(sd_bus_set_server(server, 1, id), 0);
        ck_assert_int_ge(sd_bus_start(server), 0);
        ck_assert_int_ge(sd_bus_new(&client), 0);
        ck_assert_int_ge(sd_bus_set_fd(client, fds[1], fds[1]), 0);
        ck_assert_int_ge(sd_bus_start(client), 0);
        *ret_server = server;
        *ret_client = client;
}

static inline void fake_setup(Fake *f) {
        *f = (Fake){ .directory = "/tmp/liveupdate-test.XXXXXX" };
        ck_assert_ptr_nonnull(mkdtemp(f->directory));
        snprintf(f->wants, sizeof(f->wants), "%s/wants", f->directory);
        ck_assert_int_ge(sd_event_new(&f->event), 0);
        fake_connect(&f->server, &f->client);
        ck_assert_int_ge(sd_bus_add_object_vtable(f->server, NULL, SYSTEMD_PATH, SYSTEMD_MANAGER, fake_manager, f), 0);
        ck_assert_int_ge(sd_bus_attach_event(f->server, f->event, SD_EVENT_PRIORITY_NORMAL), 0);
        ck_assert_int_ge(sd_event_add_defer(f->event, &f->idle, fake_on_idle, f), 0);
        ck_assert_int_ge(sd_event_source_set_priority(f->idle, SD_EVENT_PRIORITY_IDLE), 0);
        ck_assert_int_ge(sd_event_source_set_enabled(f->idle, SD_EVENT_OFF), 0);
}

static inline void fake_teardown(Fake *f) {
        sd_event_source_disable_unref(f->idle);
        sd_bus_close_unref(f->server);
        sd_event_unref(f->event);
        (void) links_clear(f->wants);
        (void) rmdir(f->directory);
}
