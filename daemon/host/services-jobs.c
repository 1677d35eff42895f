/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/services-internal.h"

#define NAMES_SHOWN_MAX 10U /* a sentence is read by somebody */

static void job_clear(Job *job) {
        free(job->path);
        free(job->unit);
}

void jobs_clear(Jobs *jobs) {
        for (size_t i = 0; i < jobs->n; i++)
                job_clear(&jobs->items[i]);
        free(jobs->items);
        *jobs = (Jobs){};
}

static Job *jobs_find(const Jobs *jobs, const char *path) {
        for (size_t i = 0; i < jobs->n; i++)
                if (strcmp(jobs->items[i].path, path) == 0)
                        return &jobs->items[i];
        return NULL;
}

int jobs_add(Jobs *jobs, const char *path, const char *unit) {
        Job job, *items;

        if (jobs_find(jobs, path))
                return 0;
        items = reallocarray(jobs->items, jobs->n + 1, sizeof(*items));
        if (!items)
                return -ENOMEM;
        jobs->items = items;
        job = (Job){ strdup(path), strdup(unit) };
        if (!job.path || !job.unit) {
                job_clear(&job);
                return -ENOMEM;
        }
        items[jobs->n++] = job;
        return 0;
}

bool jobs_remove(Jobs *jobs, const char *path) {
        Job *job = jobs_find(jobs, path);

        if (!job)
                return false;
        job_clear(job);
        *job = jobs->items[--jobs->n];
        return true;
}

int names_append(char **names, size_t *n, const char *name, const char *remark) {
        char *text;

        if ((*n)++ >= NAMES_SHOWN_MAX)
                return 0;
        if (asprintf(&text, "%s%s%s%s%s%s", *names ?: "", *names ? ", " : "", name, remark ? " (" : "", remark ?: "",
                            remark ? ")" : "") < 0)
                return -ENOMEM;
        free(*names);
        *names = text;
        return 0;
}

char *names_to_text(const char *names, size_t n) {
        char *text;

        if (n <= NAMES_SHOWN_MAX)
                return strdup(names ?: "");
        return asprintf(&text, "%s and %zu more", names, n - NAMES_SHOWN_MAX) < 0 ? NULL : text;
}

char *jobs_to_text(const Jobs *jobs) {
        _cleanup_free_ char *names = NULL;
        size_t n = 0;

        for (size_t i = 0; i < jobs->n; i++)
                if (names_append(&names, &n, jobs->items[i].unit, NULL) < 0)
                        return NULL;
        return names_to_text(names, n);
}
