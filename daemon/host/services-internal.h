/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of services share, and its tests. */

#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "basic/systemd.h"
#include "host/services.h"

#define LIVEUPDATE_TARGET "liveupdate.target"
#define LIVEUPDATE_WANTS "/run/systemd/system/" LIVEUPDATE_TARGET ".wants"

static inline bool text_ends_with(const char *text, const char *end) {
        size_t n = strlen(text), n_end = strlen(end);

        return n >= n_end && strcmp(text + n - n_end, end) == 0;
}

static inline uint64_t now_usec(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}

/* services-bus.c */

/* PID 1's private socket, else the system bus; does not wait. */
int systemd_connect(sd_bus **ret);
/* The error's text and negative errno, if `m` is one; else 0. */
int systemd_error(sd_bus_message *m, const char **ret_text);
/* For signals: PID 1 has no name on its private socket. */
const char *systemd_sender(sd_bus *bus);

/* services-units.c: the units that run, ordered by name. */

typedef struct Unit {
        char *name;
        bool was_starting; /* it was not up either */
        Services *services;
        sd_bus_slot *call; /* StartUnit() not answered yet */
} Unit;

typedef struct Units {
        Unit *items;
        size_t n;
} Units;

/* Of the answer to ListUnits(). One with a stop job counts as not running. */
int units_read(sd_bus_message *m, Units *units);
/* Leaves what an isolation stops unless `directory` has a link to it, and can and may be started again. */
void units_keep_restartable(Units *units, const char *directory);
int units_to_memfd(const Units *units, int *ret_fd);
/* -EBADMSG on anything but what units_to_memfd() writes. */
int units_from_text(const char *text, size_t size, Units *units);
Unit *units_find(const Units *units, const char *name);
void units_clear(Units *units);

/* services-links.c: what liveupdate.target wants in this one update. */

int links_clear(const char *directory);
int links_add(const char *directory, const char *unit);
bool links_has(const char *directory, const char *unit);
/* Those of a fixed list that run now. */
int links_add_indispensable(const char *directory, const Units *units);
/* The sockets that run of services that have links. */
int links_add_sockets(const char *directory, const Units *units);

/* services-jobs.c: those of PID 1's that are waited for. */

typedef struct Job {
        char *path, *unit;
} Job;

typedef struct Jobs {
        Job *items;
        size_t n;
} Jobs;

int jobs_add(Jobs *jobs, const char *path, const char *unit);
bool jobs_remove(Jobs *jobs, const char *path);
char *jobs_to_text(const Jobs *jobs); /* "a.service, b.service and 3 more"; caller frees */
void jobs_clear(Jobs *jobs);
/* A list of names in a sentence, with a remark to each; the first ones are kept, `n` counts them all. */
int names_append(char **names, size_t *n, const char *name, const char *remark);
char *names_to_text(const char *names, size_t n); /* caller frees */

/* services.c */

typedef enum ServicesPhase {
        SERVICES_IDLE,
        SERVICES_PREPARING,
        SERVICES_STOPPING,
        SERVICES_STARTING,
} ServicesPhase;

struct Services {
        sd_event *event;
        sd_bus *bus;
        sd_bus_slot *job_removed, *disconnected;
        sd_bus_slot *call; /* the one not answered yet, where they follow each other */
        sd_event_source *timer, *over;
        char *wants_directory;

        ServicesPhase phase;
        bool is_isolated; /* or may be: the order was given */
        Units units;      /* that were running before it */
        int list_fd;      /* their names */
        ServicesListedFunc listed;
        void *listed_userdata;

        pid_t *keep;
        size_t n_keep, n_kept;
        char *target_job;
        Jobs jobs;

        size_t n_asked; /* StartUnit() calls not answered yet */
        bool are_targets_asked;
        char *failed, *vanished; /* names */
        size_t n_failed, n_vanished;

        uint64_t timeout_usec;
        ServicesDoneFunc done;
        void *userdata;
        int error;
        char *why;
};

/* `bus` (taken, on success) NULL: PID 1's, when it is needed. */
int services_new(sd_event *event, sd_bus *bus, const char *wants_directory, Services **ret);
/* -ENOTCONN: the one given to services_new() is closed. */
int services_connect(Services *services);
int services_begin(Services *services, ServicesPhase phase, uint64_t timeout_usec, ServicesDoneFunc done,
                void *userdata);
/* Whatever is under way is not waited for any longer, and `done` not called. */
void services_interrupt(Services *services);
/* `done` will be called, from the event loop: nobody frees the connection while it calls us. The first one counts. */
void services_finish(Services *services, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* A method of PID 1's manager; `types` and what follows as of sd_bus_message_append(). Ends it all on failure. */
void services_call(Services *services, const char *method, sd_bus_message_handler_t handler, const char *types, ...);
/* Whether `m` is an error, in which case all is ended with "Systemd does not WHAT: TEXT". */
bool services_is_refused(Services *services, sd_bus_message *m, const char *what);

/* services-stop.c */
int services_stop_over(Services *services, const pid_t *keep, size_t n_keep, uint64_t timeout_usec,
                ServicesDoneFunc done, void *userdata);
void services_stop_job_removed(Services *services, const char *path, const char *unit, const char *result);

/* services-start.c */
int services_inherit_over(Services *services, int list_fd); /* takes it on success */
void services_start_job_removed(Services *services, const char *path, const char *unit, const char *result);

/* services-state.c; `bus` is ready, all is over at `deadline_usec` of CLOCK_MONOTONIC. */
int services_findings_over(sd_bus *bus, uint64_t deadline_usec, json_object **ret);
int services_next_window_over(sd_bus *bus, uint64_t deadline_usec, uint64_t *ret_usec);
