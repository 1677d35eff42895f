/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "basic/clock.h"
#include "basic/log.h"
#include "basic/task.h"
#include "update/baseline.h"

#define STORE_BASELINE "baseline"
#define STORE_CHANGED "baseline-changed" /* as long as there is no baseline */

struct Baseline {
        atomic_uint n_refs;
        pthread_mutex_t lock;
        Settings *settings; /* NULL: not read yet */
        Settings *changed;  /* what those were that we changed before that; NULL: none */

        /* The event loop's. */
        sd_event *event; /* borrowed */
        sd_event_source *timer;
        Task *task;
};

Baseline *baseline_ref(Baseline *baseline) {
        if (baseline)
                atomic_fetch_add(&baseline->n_refs, 1);
        return baseline;
}

Baseline *baseline_unref(Baseline *baseline) {
        if (!baseline || atomic_fetch_sub(&baseline->n_refs, 1) > 1)
                return NULL;
        settings_free(baseline->settings);
        settings_free(baseline->changed);
        pthread_mutex_destroy(&baseline->lock);
        free(baseline);
        return NULL;
}

void baseline_stop(Baseline *baseline) {
        if (!baseline)
                return;
        baseline->timer = sd_event_source_disable_unref(baseline->timer);
        baseline->task = task_free(baseline->task);
}

/* Under the lock. */
static int read_once(Baseline *baseline) {
        _cleanup_(settings_freep) Settings *settings = NULL;
        int r;

        if (baseline->settings)
                return 0;
        r = settings_read("", &settings);
        if (r >= 0 && baseline->changed)
                r = settings_adopt(settings, baseline->changed);
        if (r < 0)
                return r;
        baseline->settings = TAKE_PTR(settings);
        return 0;
}

/* `ret` is left alone where there is nothing. */
static int to_fd(Baseline *baseline, bool *ret_is_read, int *ret) {
        const Settings *settings;
        int r;

        pthread_mutex_lock(&baseline->lock);
        settings = baseline->settings ?: baseline->changed;
        *ret_is_read = baseline->settings;
        r = settings ? settings_to_fd(settings, ret) : 0;
        pthread_mutex_unlock(&baseline->lock);
        return r;
}

static int keep(int fd, bool is_read) {
        store_drop(STORE_CHANGED);
        if (is_read)
                store_drop(STORE_BASELINE);
        return store_keep(is_read ? STORE_BASELINE : STORE_CHANGED, fd);
}

void baseline_keep(Baseline *baseline) {
        _cleanup_fd_ int fd = -EBADF;
        bool is_read;
        int r;

        if (!baseline)
                return;
        r = to_fd(baseline, &is_read, &fd);
        if (r >= 0 && fd >= 0)
                r = keep(fd, is_read);
        if (r < 0)
                log_warning_errno(r, "After a restart of this daemon, settings changed before it will not be carried "
                                     "to the next kernel: %m");
}

static int run_read(void *data) {
        Baseline *baseline = data;
        int r;

        pthread_mutex_lock(&baseline->lock);
        r = read_once(baseline);
        pthread_mutex_unlock(&baseline->lock);
        return r;
}

static void unref_on_thread(void *data) {
        baseline_unref(data);
}

static void on_read(int error, void *userdata) {
        Baseline *baseline = userdata;

        baseline->task = task_free(baseline->task);
        if (error < 0)
                log_warning_errno(error, "Settings that are changed from now on will not be carried to the next "
                                         "kernel, they cannot be read: %m");
        else
                baseline_keep(baseline);
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata) {
        Baseline *baseline = userdata;
        int r;

        baseline->timer = sd_event_source_disable_unref(baseline->timer);
        r = task_start(baseline->event, run_read, baseline_ref(baseline), unref_on_thread, on_read, baseline,
                        &baseline->task);
        if (r < 0)
                log_warning_errno(r, "Settings that are changed by hand will not be carried to the next kernel: %m");
        return 0;
}

static void inherit_from(Inheritance *inheritance, const char *name, Settings **ret) {
        _cleanup_fd_ int fd = inheritance_take(inheritance, name);
        int r;

        if (fd < 0)
                return;
        r = settings_from_fd(fd, ret);
        if (r >= 0)
                return;
        store_drop(name);
        log_warning_errno(r, "The daemon before left settings that cannot be read; what was changed up to now will not "
                             "be carried to the next kernel: %m");
}

int baseline_new(sd_event *event, Inheritance *inheritance, Baseline **ret) {
        _cleanup_(baseline_unrefp) Baseline *baseline = calloc(1, sizeof(*baseline));
        int r;

        if (!baseline)
                return -ENOMEM;
        baseline->n_refs = 1;
        baseline->event = event;
        pthread_mutex_init(&baseline->lock, NULL);
        inherit_from(inheritance, STORE_BASELINE, &baseline->settings);
        if (!baseline->settings) {
                inherit_from(inheritance, STORE_CHANGED, &baseline->changed);
                r = sd_event_add_time(event, &baseline->timer, CLOCK_BOOTTIME, BASELINE_USEC, 1000000, on_time,
                                baseline);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(baseline);
        return 0;
}

/* Under the lock: `now`, but for what was changed by baseline_restore(). */
static int baseline_so_far(const Baseline *baseline, const Settings *now, Settings **ret) {
        _cleanup_(settings_freep) Settings *settings = NULL;
        int r;

        r = settings_new(&settings);
        if (r >= 0)
                r = settings_adopt(settings, now);
        if (r >= 0 && baseline->changed)
                r = settings_adopt(settings, baseline->changed);
        if (r >= 0)
                *ret = TAKE_PTR(settings);
        return r;
}

int baseline_changed(Baseline *baseline, json_object **ret, bool *ret_is_read) {
        _cleanup_(settings_freep) Settings *now = NULL, *so_far = NULL;
        int r;

        r = settings_read("", &now);
        if (r < 0)
                return r;
        pthread_mutex_lock(&baseline->lock);
        *ret_is_read = baseline->settings;
        if (!baseline->settings)
                r = baseline_so_far(baseline, now, &so_far);
        if (r >= 0) {
                *ret = settings_changed(baseline->settings ?: so_far, now);
                r = *ret ? 0 : -ENOMEM;
        }
        pthread_mutex_unlock(&baseline->lock);
        return r;
}

int baseline_restore(Baseline *baseline, json_object *wanted, SettingsPass pass, size_t *ret_n_changes,
                json_object *problems) {
        int r = 0;

        pthread_mutex_lock(&baseline->lock);
        if (!baseline->settings && !baseline->changed)
                r = settings_new(&baseline->changed);
        if (r >= 0)
                r = settings_restore("", wanted, pass, baseline->settings ?: baseline->changed, ret_n_changes,
                                problems);
        pthread_mutex_unlock(&baseline->lock);
        return r;
}
