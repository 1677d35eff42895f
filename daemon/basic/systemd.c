/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/cleanup.h"
#include "basic/clock.h"
#include "basic/systemd.h"

typedef struct Job {
        const char *path;
        bool is_over, is_done;
} Job;

int systemd_connect_private(const char *root, sd_bus **ret) {
        _cleanup_(bus_closep) sd_bus *bus = NULL;
        _cleanup_free_ char *address = NULL;
        int r;

        if (asprintf(&address, "unix:path=%s/run/systemd/private", root) < 0) {
                address = NULL;
                return -ENOMEM;
        }
        r = sd_bus_new(&bus);
        if (r >= 0)
                r = sd_bus_set_address(bus, address);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(bus);
        return 0;
}

static int on_job_removed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Job *job = userdata;
        const char *path, *unit, *result;
        uint32_t id;

        if (sd_bus_message_read(m, "uoss", &id, &path, &unit, &result) >= 0 && strcmp(path, job->path) == 0) {
                job->is_over = true;
                job->is_done = strcmp(result, "done") == 0;
        }
        return 0;
}

static int turn(sd_bus *bus, uint64_t deadline_usec) {
        uint64_t now = now_usec(CLOCK_MONOTONIC);
        int r = sd_bus_process(bus, NULL);

        if (r != 0)
                return r;
        return now < deadline_usec ? sd_bus_wait(bus, deadline_usec - now) : -ETIMEDOUT;
}

/* sd_bus_call() would wait for it for 90 s. */
static int wait_until_ready(sd_bus *bus, uint64_t deadline_usec) {
        int r;

        while ((r = sd_bus_is_ready(bus)) == 0) {
                r = turn(bus, deadline_usec);
                if (r < 0)
                        return r;
        }
        return r;
}

/* What came before its path was known waits in the connection's queue. */
static int wait_for_job(sd_bus *bus, const Job *job, uint64_t deadline_usec) {
        while (!job->is_over) {
                int r = turn(bus, deadline_usec);

                if (r < 0)
                        return r;
        }
        return job->is_done ? 0 : -EIO;
}

int systemd_start_unit(const char *root, const char *unit, uint64_t timeout_usec) {
        uint64_t deadline_usec = now_usec(CLOCK_MONOTONIC) + timeout_usec;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(bus_closep) sd_bus *bus = NULL;
        Job job = {};
        int r;

        r = systemd_connect_private(root, &bus);
        if (r >= 0)
                r = wait_until_ready(bus, deadline_usec);
        if (r >= 0)
                r = sd_bus_match_signal(bus, NULL, NULL, SYSTEMD_PATH, SYSTEMD_MANAGER, "JobRemoved", on_job_removed,
                                &job);
        if (r >= 0)
                r = sd_bus_set_method_call_timeout(bus, timeout_usec);
        if (r >= 0)
                r = sd_bus_call_method(bus, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, "StartUnit", NULL, &reply,
                                "ss", unit, "replace");
        if (r >= 0)
                r = sd_bus_message_read(reply, "o", &job.path);
        return r < 0 ? r : wait_for_job(bus, &job, deadline_usec);
}
