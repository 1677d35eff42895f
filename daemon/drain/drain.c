/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/io.h"
#include "drain/drain-internal.h"

const DrainSetup drain_setup_host = {
        .root = "",
        .restore_usec = 30ULL * 1000 * 1000,
        .network_usec = 60ULL * 1000 * 1000,
        .link_set_up = network_link_set_up,
        .capture = network_capture,
        .restore = network_restore,
        .free_network = network_free,
        .to_json = network_to_json,
        .from_json = network_from_json,
};

static int drain_decide_on(DrainDevice *d, const DrainOptions *options) {
        PolicyDecision decision;

        device_decide(d->capture->setup->root, d->capture->inventory, d->device, options, d->capture->is_locked,
                        &decision);
        d->policy = decision.policy;
        d->is_held = device_vfio_user(d->device);
        d->note = decision.note ? strdup(decision.note) : NULL;
        if (decision.note && !d->note)
                return -ENOMEM;
        if (d->policy != POLICY_KEEP) {
                d->round = policy_round(d->capture->inventory, d->device, d->policy);
                d->outcome = OUTCOME_PENDING;
        }
        return 0;
}

static int capture_decide(Capture *capture, const DrainOptions *options) {
        int r = sd_id128_get_boot(&capture->boot_id);

        capture->timeout_usec = options->timeout_usec;
        capture->is_locked = drain_is_locked(capture->setup->root);
        for (size_t i = 0; i < capture->n && r >= 0; i++)
                r = drain_decide_on(&capture->devices[i], options);
        capture_link_parents(capture);
        return r;
}

static int state_write(Drain *drain) {
        _cleanup_free_ char *text = NULL;
        int r = capture_to_text(drain->capture, &text);

        return r < 0 ? r : memfd_new_with("liveupdate-drain", text, strlen(text), &drain->state_fd);
}

static int rules_copy(Drain *drain, const DrainOptions *options) {
        drain->rules = calloc(options->n_rules + 1, sizeof(*drain->rules));
        if (!drain->rules)
                return -ENOMEM;
        if (options->n_rules > 0)
                memcpy(drain->rules, options->rules, options->n_rules * sizeof(*drain->rules));
        drain->n_rules = options->n_rules;
        return 0;
}

static int drain_allocate(sd_event *event, Capture *capture, Drain **ret) {
        Drain *drain = calloc(1, sizeof(*drain));

        if (!drain) {
                capture_unref(capture);
                return -ENOMEM;
        }
        drain->event = sd_event_ref(event);
        drain->capture = capture;
        drain->state_fd = -EBADF;
        *ret = drain;
        return drain_prepare_passes(drain);
}

int drain_new_with(const DrainSetup *setup, sd_event *event, Inventory *inventory, const DrainOptions *options,
                Drain **ret) {
        _cleanup_(capture_unrefp) Capture *capture = NULL;
        _cleanup_(drain_freep) Drain *drain = NULL;
        int r;

        r = capture_new(setup, inventory, &capture);
        if (r >= 0)
                r = capture_decide(capture, options);
        if (r >= 0)
                r = capture_read(capture);
        if (r >= 0)
                r = drain_allocate(event, TAKE_PTR(capture), &drain);
        if (r >= 0)
                r = rules_copy(drain, options);
        if (r >= 0)
                r = state_write(drain);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(drain);
        return 0;
}

int drain_new(sd_event *event, Inventory *inventory, const DrainOptions *options, Drain **ret) {
        return drain_new_with(&drain_setup_host, event, inventory, options, ret);
}

int drain_inherit_with(const DrainSetup *setup, sd_event *event, int fd, Drain **ret) {
        _cleanup_(capture_unrefp) Capture *capture = NULL;
        _cleanup_(drain_freep) Drain *drain = NULL;
        _cleanup_fd_ int state_fd = fd;
        _cleanup_free_ char *text = NULL;
        sd_id128_t boot_id;
        size_t size;
        int r;

        r = read_fd(state_fd, DRAIN_STATE_BYTES_MAX, &text, &size);
        if (r >= 0)
                r = capture_from_text(setup, text, size, &capture);
        if (r >= 0)
                r = sd_id128_get_boot(&boot_id);
        if (r >= 0 && !sd_id128_equal(boot_id, capture->boot_id))
                r = -ESTALE;
        if (r >= 0)
                r = drain_allocate(event, TAKE_PTR(capture), &drain);
        if (r < 0)
                return r == -EFBIG ? -EBADMSG : r;
        drain->is_inherited = true;
        drain->state_fd = TAKE_FD(state_fd);
        *ret = TAKE_PTR(drain);
        return 0;
}

int drain_inherit(sd_event *event, int fd, Drain **ret) {
        return drain_inherit_with(&drain_setup_host, event, fd, ret);
}

Drain *drain_free(Drain *drain) {
        if (!drain)
                return NULL;
        drain_forget_passes(drain);
        fd_close(drain->state_fd);
        free(drain->rules);
        capture_unref(drain->capture);
        sd_event_unref(drain->event);
        free(drain);
        return NULL;
}

int drain_state_fd(const Drain *drain) {
        return drain->state_fd;
}

const Inventory *drain_inventory(const Drain *drain) {
        return drain->capture->inventory;
}

static bool is_to_preserve(const DrainDevice *d) {
        return d->policy == POLICY_PRESERVE && device_vfio_user(d->device);
}

const Device *drain_next_to_preserve(const Drain *drain, const char *address) {
        const Capture *capture = drain->capture;
        bool is_after = !address;

        for (size_t i = 0; i < capture->n; i++) {
                if (is_after && is_to_preserve(&capture->devices[i]))
                        return capture->devices[i].device;
                is_after |= address && strcmp(capture->devices[i].device->address, address) == 0;
        }
        return NULL;
}

void drain_preserved(Drain *drain, const char *address) {
        Capture *capture = drain->capture;

        for (size_t i = 0; i < capture->n; i++)
                if (strcmp(capture->devices[i].device->address, address) == 0 &&
                                capture->devices[i].outcome == OUTCOME_PENDING)
                        capture->devices[i].outcome = OUTCOME_PRESERVED;
}
