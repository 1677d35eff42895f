/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What comes after the devices in an undo, on a thread: the network. */

#include <errno.h>
#include <string.h>

#include "drain/drain-internal.h"

static void capture_unref_data(void *data) {
        capture_unref(data);
}

void rest_over(Drain *drain) {
        drain_stop_timer(drain->rest_timer);
        drain->pass.awaits_rest = false;
        (void) sd_event_source_set_enabled(drain->finish, SD_EVENT_ONESHOT);
}

static void rest_failed(Drain *drain, int error, char *why) {
        Capture *capture = drain->capture;

        for (size_t i = 0; i < capture->n; i++)
                if (capture->devices[i].is_in_pass && capture->devices[i].device->n_interfaces > 0)
                        device_add_problem(&capture->devices[i], why);
        pass_fail(drain, error, why);
}

static void on_rest_done(int error, void *userdata) {
        Drain *drain = userdata;
        char *why = TAKE_PTR(drain->capture->network_why);

        drain->rest = task_free(drain->rest);
        if (!drain->pass.awaits_rest)
                free(why);
        else if (!drain->pass.owns_rest) {
                free(why);
                if (!rest_begin(drain))
                        rest_over(drain);
        } else {
                if (error < 0)
                        rest_failed(drain, error, why);
                else
                        free(why);
                rest_over(drain);
        }
}

int on_rest_late(sd_event_source *source, uint64_t usec, void *userdata) {
        Drain *drain = userdata;

        rest_failed(drain, -ETIMEDOUT, strdup("the network is still being made as it was before"));
        rest_over(drain);
        return 0;
}

static bool rest_prepare(Capture *capture) {
        size_t n = 0;

        for (size_t i = 0; i < capture->n; i++) {
                const DrainDevice *d = &capture->devices[i];

                if (!d->is_in_pass || d->running != RUNNING_NOTHING || d->outcome == OUTCOME_GONE)
                        continue;
                if (d->device->n_interfaces > 0 && capture->network)
                        capture->network_devices[n++] = d->device->address;
        }
        capture->network_devices[n] = NULL;
        return n > 0;
}

bool rest_begin(Drain *drain) {
        int r;

        drain->pass.awaits_rest = true;
        drain->pass.owns_rest = !drain->rest; /* or else it is of an undo before, which came to no end */
        drain_arm_timer(drain->rest_timer, drain->capture->setup->network_usec);
        if (drain->rest)
                return true;
        if (!rest_prepare(drain->capture))
                return false;
        r = task_start(drain->event, capture_restore_rest, capture_ref(drain->capture), capture_unref_data,
                        on_rest_done, drain, &drain->rest);
        if (r < 0)
                rest_failed(drain, r, strdup("there is no thread that makes the network as it was before"));
        return r >= 0;
}
