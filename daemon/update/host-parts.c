/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The parts of the host's state, put back on threads: nothing here knows the event loop. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/clock.h"
#include "basic/json.h"
#include "basic/log.h"
#include "host/entropy.h"
#include "host/irqs.h"
#include "privileged/privileged.h"
#include "update/host-internal.h"

typedef int (*PartFunc)(HostState *state, HostResult *result, bool is_later);

/* Problems of the pass before are over, or are found again. */
static int problems_renew(HostResult *result) {
        json_object *problems = json_object_new_array();

        if (!problems)
                return -ENOMEM;
        for (size_t i = 0; i < result->n_lasting; i++)
                (void) json_append_text(problems, "%s",
                                json_object_get_string(json_object_array_get_idx(result->problems, i)));
        json_object_put(result->problems);
        result->problems = problems;
        return 0;
}

static int problem(HostResult *result, int error, const char *why) {
        return error == -ENOMEM ? error : json_append_text(result->problems, "%s", why ?: strerror(-error));
}

static int run_part(HostState *state, HostPart part, PartFunc func, bool is_later) {
        HostResult *result = &state->results[part];
        uint64_t began = now_usec(CLOCK_MONOTONIC);
        int r = result->is_tried ? problems_renew(result) : 0;

        result->is_tried = true;
        if (r >= 0)
                r = func(state, result, is_later);
        if (r < 0)
                (void) problem(result, -EIO, strerror(-r)); /* so that it does not count as put back */
        result->usec += now_usec(CLOCK_MONOTONIC) - began;
        return r;
}

static int put_back_clock(HostState *state, HostResult *result, bool is_later) {
        _cleanup_free_ char *why = NULL;
        int r = privileged_set_clock(&state->clock, &state->clock_step_nsec, &why);

        if (r < 0)
                return problem(result, r, why);
        result->n_changes += state->clock_step_nsec != 0;
        return 0;
}

static int put_back_entropy(HostState *state, HostResult *result, bool is_later) {
        int r = entropy_use(state->seed_fd);

        if (r < 0)
                return problem(result, r, NULL);
        log_info("The generator of random numbers has the seed that the kernel before left.");
        result->n_changes++;
        return 0;
}

static int put_back_modules(HostState *state, HostResult *result, bool is_later) {
        _cleanup_free_ char *why = NULL;
        json_object *modules;
        size_t n = 0;
        int r;

        if (json_get_array(state->wanted, "modules", &modules) < 0 || json_object_array_length(modules) == 0)
                return 0;
        r = privileged_load_modules(modules, &n, result->problems, &why);
        result->n_changes += n;
        return r < 0 ? problem(result, r, why) : 0;
}

static int put_back_network(HostState *state, HostResult *result, bool is_later) {
        uint64_t elapsed_usec = tsc_to_usec(tsc_now() - state->captured_tsc, state->tsc_hz);
        NetworkOutcome outcome;
        int r;

        if (!state->network)
                return 0;
        r = network_reconcile(state->network, elapsed_usec, is_later ? NETWORK_PASS_LATER : NETWORK_PASS_FIRST,
                        &outcome);
        if (r < 0)
                return problem(result, r, NULL);
        result->n_changes += outcome.n_changes;
        result->n_missing = outcome.n_missing;
        json_object_put(result->problems);
        result->problems = TAKE_PTR(outcome.problems);
        network_outcome_done(&outcome);
        return 0;
}

static int put_back_firewall(HostState *state, HostResult *result, bool is_later) {
        _cleanup_free_ char *why = NULL;
        json_object *tables;
        size_t n = 0;
        int r;

        if (json_get_array(state->wanted, "firewall", &tables) < 0 || json_object_array_length(tables) == 0)
                return 0;
        r = privileged_reconcile_firewall(tables, is_later, &n, result->problems, &why);
        result->n_changes += n;
        return r < 0 ? problem(result, r, why) : 0;
}

static int put_back_settings(HostState *state, HostResult *result, bool is_later) {
        json_object *settings;
        size_t n = 0;
        int r;

        if (json_get_object(state->wanted, "settings", &settings) < 0 || json_object_object_length(settings) == 0)
                return 0;
        r = baseline_restore(state->baseline, settings, is_later ? SETTINGS_PASS_LATER : SETTINGS_PASS_FIRST, &n,
                        result->problems);
        result->n_changes += n;
        return r < 0 ? problem(result, r, NULL) : 0;
}

static int put_back_interrupts(HostState *state, HostResult *result, bool is_later) {
        json_object *interrupts;
        size_t n = 0;
        int r;

        if (json_get_array(state->wanted, "interrupts", &interrupts) < 0 || json_object_array_length(interrupts) == 0)
                return 0;
        r = irqs_restore("", interrupts, &n, &result->n_missing, result->problems);
        result->n_changes += n;
        return r < 0 ? problem(result, r, NULL) : 0;
}

static int unpack(HostTmpfs *tmpfs, HostResult *result, bool may_mount) {
        _cleanup_free_ char *why = NULL;
        size_t n = 0;
        int r;

        if (tmpfs->fd < 0)
                return json_append_text(result->problems, "the contents of %s did not come over", tmpfs->path);
        r = privileged_unpack_tmpfs(tmpfs->path, tmpfs->fd, tmpfs->options, may_mount, &n, result->problems, &why);
        result->n_changes += n;
        tmpfs->is_back = r >= 0;
        if (r >= 0)
                (void) ftruncate(tmpfs->fd, 0); /* frees it, and tells a successor of this process */
        if (r >= 0 || (r == -ENOTCONN && !may_mount))
                return 0;
        return json_append_text(result->problems, "%s: %s; they stay in memory, mount it and restart "
                                                  "liveupdated.service",
                        tmpfs->path, why ?: strerror(-r));
}

static int put_back_tmpfs(HostState *state, HostResult *result, bool is_later) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < state->n_tmpfs; i++)
                if (!state->tmpfs[i].is_back)
                        r = unpack(&state->tmpfs[i], result, is_later);
        return r;
}

/* threads */

int host_run_network(void *userdata) {
        return run_part(userdata, HOST_NETWORK, put_back_network, false);
}

int host_run_network_later(void *userdata) {
        return run_part(userdata, HOST_NETWORK, put_back_network, true);
}

/* What is set for all interfaces resets what each of them has (net/ipv4/devinet.c:inet_forward_change()), so it comes
 * before them. */
int host_run_first(void *userdata) {
        HostState *state = userdata;
        int r = run_part(state, HOST_SETTINGS, put_back_settings, false), k = host_run_network(state);

        return r < 0 ? r : k;
}

int host_run_firewall(void *userdata) {
        return run_part(userdata, HOST_FIREWALL, put_back_firewall, false);
}

/* Some settings are only there with the firewall and the modules. */
int host_run_settings(void *userdata) {
        return run_part(userdata, HOST_SETTINGS, put_back_settings, false);
}

/* The wall clock first, the guests look at it. */
int host_run_privileged(void *userdata) {
        HostState *state = userdata;
        int r = 0, k;

        if (state->is_first_process && state->clock.rate_hz_milli > 0)
                r = run_part(state, HOST_CLOCK, put_back_clock, false);
        if (state->is_first_process && state->seed_fd >= 0) {
                k = run_part(state, HOST_ENTROPY, put_back_entropy, false);
                r = r < 0 ? r : k;
        }
        k = run_part(state, HOST_MODULES, put_back_modules, false);
        return r < 0 ? r : k;
}

int host_run_tmpfs(void *userdata) {
        HostState *state = userdata;

        return run_part(state, HOST_TMPFS, put_back_tmpfs, false);
}

int host_run_later(void *userdata) {
        static const struct {
                HostPart part;
                PartFunc func;
        } parts[] = {
                { HOST_SETTINGS,   put_back_settings   },
                { HOST_NETWORK,    put_back_network    },
                { HOST_FIREWALL,   put_back_firewall   },
                { HOST_INTERRUPTS, put_back_interrupts },
                { HOST_TMPFS,      put_back_tmpfs      },
        };
        HostState *state = userdata;
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(parts); i++) {
                int k = run_part(state, parts[i].part, parts[i].func, true);

                r = r < 0 ? r : k;
        }
        return r;
}
