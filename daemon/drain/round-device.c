/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One device in a pass. A thread that hangs in the kernel is not waited for when the time is up, but it stays with its
 * device, so that an undo does nothing beside it. */

#include <errno.h>
#include <string.h>

#include "basic/log.h"
#include "drain/drain-internal.h"

static void device_unref_data(void *data) {
        DrainDevice *d = data;

        capture_unref(d->capture);
}

static bool is_unbound_early(const DrainDevice *d) {
        return d->round == DRAIN_ROUND_EARLY && d->device->driver &&
                        (d->policy == POLICY_UNBIND || (d->policy == POLICY_RESET && !device_is_vfio(d->device)));
}

/* An undo waits for a thread that still drains as it does for one that restores. */
static uint64_t device_limit_usec(const DrainDevice *d) {
        uint64_t timeout_usec = d->capture->timeout_usec, restore_usec = d->capture->setup->restore_usec;

        if (d->drain->pass.is_undo)
                return restore_usec;
        return is_unbound_early(d) && timeout_usec < restore_usec ? restore_usec : timeout_usec;
}

/* Takes `clause`. `limit_usec` is 0, or the time that was over. */
static void device_fail(DrainDevice *d, int error, uint64_t limit_usec, char *clause) {
        if (d->drain->pass.is_undo)
                device_add_problem(d, clause);
        else if (clause && !d->failure)
                d->failure = drain_sentence(d, false, limit_usec, clause);
        pass_fail(d->drain, error, clause ? drain_sentence(d, true, limit_usec, clause) : NULL);
        free(clause);
}

static bool is_clause_late(const DrainDevice *d, int error) {
        return error == -ETIMEDOUT && d->work.failed_stage == STAGE_PENDING && !d->work.is_gone;
}

static void start_followers(DrainDevice *d) {
        Capture *capture = d->capture;

        if (!d->drain->pass.is_undo) {
                if (d->parent && d->parent->is_in_pass && --d->parent->n_children_left == 0)
                        device_begin(d->parent);
                return;
        }
        for (size_t i = 0; d->device->n_virtual > 0 && i < capture->n; i++)
                if (capture->devices[i].parent == d && capture->devices[i].is_in_pass)
                        device_begin(&capture->devices[i]);
}

static void device_through(DrainDevice *d) {
        d->is_through = true;
        drain_stop_timer(d->timer);
        start_followers(d);
        if (--d->drain->pass.n_left == 0)
                pass_devices_through(d->drain);
}

static void device_drained(DrainDevice *d, int error) {
        bool is_late = d->outcome == OUTCOME_UNSAFE;

        if (!is_late)
                d->drain_usec = d->work.took_usec;
        if (d->work.is_gone) {
                d->outcome = OUTCOME_GONE;
                log_warning("%s is gone: it does no harm, but will be missed.", d->device->address);
        } else if (!is_late)
                d->outcome = error < 0 ? OUTCOME_UNSAFE : OUTCOME_QUIET;

        if (!d->is_in_pass || d->is_through) {
                d->running = RUNNING_NOTHING;
                return;
        }
        if (d->drain->pass.is_undo) {
                d->running = RUNNING_NOTHING;
                device_begin(d);
                return;
        }
        if (error < 0 && !d->work.is_gone)
                device_fail(d, error, is_clause_late(d, error) ? d->capture->timeout_usec : 0, clause_failed(d, error));
        d->running = RUNNING_NOTHING;
        device_through(d);
}

static void device_restored(DrainDevice *d, int error) {
        bool is_waited_for = d->is_in_pass && !d->is_through;

        d->outcome = d->work.is_gone ? OUTCOME_GONE : OUTCOME_RESTORED;
        if (d->is_held && d->work.was_reset && !d->work.is_gone)
                device_add_problem(d, "it was reset while a process had it: who uses it must set it up anew");
        if (error < 0 && is_waited_for)
                device_fail(d, error, 0, clause_failed(d, error));
        d->running = RUNNING_NOTHING;
        if (is_waited_for)
                device_through(d);
}

static void on_device_done(int error, void *userdata) {
        DrainDevice *d = userdata;

        d->task = task_free(d->task);
        drain_stop_timer(d->timer);
        if (d->running == RUNNING_DRAIN)
                device_drained(d, error);
        else
                device_restored(d, error);
}

int on_device_late(sd_event_source *source, uint64_t usec, void *userdata) {
        DrainDevice *d = userdata;

        if (!d->is_in_pass || d->is_through)
                return 0;
        if (d->running == RUNNING_DRAIN) {
                d->outcome = OUTCOME_UNSAFE;
                d->drain_usec = d->drain_usec ?: device_limit_usec(d);
        }
        device_fail(d, -ETIMEDOUT, device_limit_usec(d), clause_late(d));
        device_through(d);
        return 0;
}

void device_begin(DrainDevice *d) {
        Drain *drain = d->drain;
        int r;

        d->is_begun = true;
        if (d->running != RUNNING_NOTHING) {
                d->work.is_given_up = drain->pass.is_undo;
                drain_arm_timer(d->timer, device_limit_usec(d));
                return;
        }
        d->running = drain->pass.is_undo ? RUNNING_RESTORE : RUNNING_DRAIN;
        d->was_begun = true;
        d->work.is_given_up = false;
        d->work.is_gone = false;
        d->work.stage = d->work.failed_stage = STAGE_START;
        (void) capture_ref(d->capture);
        r = task_start(drain->event, drain->pass.is_undo ? device_restore : device_drain, d, device_unref_data,
                        on_device_done, d, &d->task);
        if (r >= 0) {
                drain_arm_timer(d->timer, device_limit_usec(d));
                return;
        }
        if (!drain->pass.is_undo)
                d->outcome = OUTCOME_UNSAFE;
        device_fail(d, r, 0, clause_failed(d, r));
        d->running = RUNNING_NOTHING;
        device_through(d);
}
