/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A pass over the devices of one round, to drain or to undo. Each device has a thread of its own and a time limit.
 * Virtual functions are drained before their parent, which comes back before them. */

#include <errno.h>
#include <string.h>
#include <time.h>

#include "basic/json.h"
#include "basic/log.h"
#include "drain/drain-internal.h"

#define TIMER_ACCURACY_USEC 1000U

void drain_arm_timer(sd_event_source *timer, uint64_t usec) {
        (void) sd_event_source_set_time_relative(timer, usec);
        (void) sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

void drain_stop_timer(sd_event_source *timer) {
        (void) sd_event_source_set_enabled(timer, SD_EVENT_OFF);
}

void pass_fail(Drain *drain, int error, char *why) {
        log_error("%s.", why ?: strerror(ENOMEM));
        if (drain->pass.error < 0) {
                free(why);
                return;
        }
        drain->pass.error = error;
        drain->pass.why = why;
}

void device_add_problem(DrainDevice *d, const char *problem) {
        if (!d->problems)
                d->problems = json_object_new_array();
        if (d->problems && problem)
                (void) json_append_text(d->problems, "%s", problem);
}

void pass_devices_through(Drain *drain) {
        if (!drain->pass.is_undo || !rest_begin(drain))
                rest_over(drain);
}

static int on_finish(sd_event_source *source, void *userdata) {
        Drain *drain = userdata;
        DrainPass pass = TAKE(drain->pass, (DrainPass){});
        _cleanup_free_ char *why = pass.why;

        pass.done(pass.error, pass.error < 0 ? why ?: "no memory" : NULL, pass.userdata);
        return 0;
}

/* Passes */

static void pass_drop(Drain *drain) {
        free(drain->pass.why);
        drain->pass = (DrainPass){};
        (void) sd_event_source_set_enabled(drain->finish, SD_EVENT_OFF);
        drain_stop_timer(drain->rest_timer);
}

static bool takes_part(const DrainDevice *d, DrainRound round, bool is_undo) {
        if (d->round != (int) round)
                return false;
        return is_undo ? d->was_begun : d->outcome == OUTCOME_PENDING;
}

static bool is_ready(const DrainDevice *d, bool is_undo) {
        if (d->is_begun || !d->is_in_pass)
                return false;
        return is_undo ? !d->parent || !d->parent->is_in_pass || d->parent->is_through : d->n_children_left == 0;
}

static void pass_choose(Drain *drain, DrainRound round) {
        Capture *capture = drain->capture;

        for (size_t i = 0; i < capture->n; i++) {
                DrainDevice *d = &capture->devices[i];

                d->is_in_pass = takes_part(d, round, drain->pass.is_undo);
                d->is_begun = d->is_through = false;
                d->n_children_left = 0;
                drain->pass.n_left += d->is_in_pass;
        }
        for (size_t i = 0; i < capture->n; i++)
                if (capture->devices[i].is_in_pass && capture->devices[i].parent)
                        capture->devices[i].parent->n_children_left++;
}

static int pass_run(Drain *drain, DrainRound round, bool is_undo, DrainDoneFunc done, void *userdata) {
        Capture *capture = drain->capture;

        drain->pass = (DrainPass) { .done = done, .userdata = userdata, .is_undo = is_undo };
        pass_choose(drain, round);
        if (drain->pass.n_left == 0) {
                pass_drop(drain);
                return 0;
        }
        for (size_t i = 0; i < capture->n; i++)
                if (is_ready(&capture->devices[i], is_undo))
                        device_begin(&capture->devices[i]);
        return 1;
}

int drain_round(Drain *drain, DrainRound round, DrainDoneFunc done, void *userdata) {
        if (drain->is_inherited)
                return -EOPNOTSUPP;
        if (drain->pass.done)
                return -EBUSY;
        return pass_run(drain, round, false, done, userdata);
}

static void device_forget(DrainDevice *d) {
        json_object_put(TAKE_PTR(d->problems));
        if (d->outcome == OUTCOME_PENDING && !d->was_begun)
                d->outcome = OUTCOME_RESTORED; /* nothing was done with it, and nothing will be */
}

int drain_undo(Drain *drain, DrainRound round, DrainDoneFunc done, void *userdata) {
        if (drain->pass.done && drain->pass.is_undo)
                return -EBUSY;
        pass_drop(drain);
        for (size_t i = 0; i < drain->capture->n; i++)
                if (drain->capture->devices[i].round == (int) round)
                        device_forget(&drain->capture->devices[i]);
        return pass_run(drain, round, true, done, userdata);
}

static int timer_new(Drain *drain, sd_event_time_handler_t func, void *userdata, sd_event_source **ret) {
        int r = sd_event_add_time(drain->event, ret, CLOCK_MONOTONIC, 0, TIMER_ACCURACY_USEC, func, userdata);

        if (r >= 0) /* who is through at the last moment is through */
                r = sd_event_source_set_priority(*ret, SD_EVENT_PRIORITY_NORMAL + 1);
        if (r >= 0)
                r = sd_event_source_set_enabled(*ret, SD_EVENT_OFF);
        return r;
}

int drain_prepare_passes(Drain *drain) {
        int r;

        r = sd_event_add_defer(drain->event, &drain->finish, on_finish, drain);
        if (r >= 0)
                r = sd_event_source_set_enabled(drain->finish, SD_EVENT_OFF);
        if (r >= 0)
                r = timer_new(drain, on_rest_late, drain, &drain->rest_timer);
        for (size_t i = 0; i < drain->capture->n && r >= 0; i++) {
                DrainDevice *d = &drain->capture->devices[i];

                d->drain = drain;
                if (d->round >= 0)
                        r = timer_new(drain, on_device_late, d, &d->timer);
        }
        return r;
}

void drain_forget_passes(Drain *drain) {
        for (size_t i = 0; i < drain->capture->n; i++) {
                DrainDevice *d = &drain->capture->devices[i];

                sd_event_source_disable_unref(TAKE_PTR(d->timer));
                d->task = task_free(d->task);
                json_object_put(TAKE_PTR(d->problems));
                free(TAKE_PTR(d->failure));
        }
        drain->rest = task_free(drain->rest);
        sd_event_source_disable_unref(drain->rest_timer);
        sd_event_source_disable_unref(drain->finish);
        free(drain->pass.why);
}
