/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/json.h"
#include "update/host-internal.h"

const char *host_part_to_string(HostPart part) {
        static const char *const names[] = {
                [HOST_CLOCK] = "clock",
                [HOST_ENTROPY] = "entropy",
                [HOST_MODULES] = "modules",
                [HOST_NETWORK] = "network",
                [HOST_FIREWALL] = "firewall",
                [HOST_SETTINGS] = "settings",
                [HOST_INTERRUPTS] = "interrupts",
                [HOST_TMPFS] = "tmpfs",
        };

        return names[part];
}

HostState *host_state_ref(HostState *state) {
        atomic_fetch_add(&state->n_refs, 1);
        return state;
}

HostState *host_state_unref(HostState *state) {
        if (!state || atomic_fetch_sub(&state->n_refs, 1) > 1)
                return NULL;
        json_object_put(state->wanted);
        network_free(state->network);
        baseline_unref(state->baseline);
        fd_close(state->seed_fd);
        for (size_t i = 0; i < state->n_tmpfs; i++) {
                fd_close(state->tmpfs[i].fd);
                free(state->tmpfs[i].path);
                free(state->tmpfs[i].options);
        }
        free(state->tmpfs);
        for (HostPart part = 0; part < _HOST_PART_MAX; part++)
                json_object_put(state->results[part].problems);
        free(state);
        return NULL;
}

bool host_state_lacks_tmpfs(const HostState *state) {
        for (size_t i = 0; i < state->n_tmpfs; i++)
                if (state->tmpfs[i].fd >= 0 && !state->tmpfs[i].is_back)
                        return true;
        return false;
}

static int tmpfs_from_json(json_object *o, HostTmpfs *ret) {
        const char *path, *options;
        uint64_t token;

        if (json_get_string(o, "path", &path) < 0 || json_get_string(o, "options", &options) < 0 ||
                        json_get_u64(o, "token", &token) < 0 || token < MANIFEST_TOKEN_TMPFS || path[0] != '/')
                return -EBADMSG;
        *ret = (HostTmpfs) { .path = strdup(path), .options = strdup(options), .token = token, .fd = -EBADF };
        return ret->path && ret->options ? 0 : -ENOMEM;
}

static int all_tmpfs_from_json(HostState *state, json_object *list) {
        size_t n = list ? json_object_array_length(list) : 0;

        if (n > PRESERVE_TMPFS_MAX)
                return json_append_text(state->results[HOST_TMPFS].problems,
                                "the manifest has more than %u file systems", PRESERVE_TMPFS_MAX);
        state->tmpfs = calloc(n + 1, sizeof(*state->tmpfs));
        if (!state->tmpfs)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                int r = tmpfs_from_json(json_object_array_get_idx(list, i), &state->tmpfs[state->n_tmpfs]);

                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        r = json_append_text(state->results[HOST_TMPFS].problems,
                                        "the manifest does not say what file system %zu was", i);
                else
                        state->n_tmpfs++;
                if (r < 0)
                        return r;
        }
        return 0;
}

static int network_from_manifest(HostState *state) {
        json_object *o;
        int r;

        if (json_get_object(state->wanted, "network", &o) < 0)
                return 0;
        r = network_from_json(o, &state->network);
        if (r < 0 && r != -ENOMEM)
                r = json_append_text(state->results[HOST_NETWORK].problems, "what the manifest says cannot be read: %s",
                                strerror(-r));
        return r;
}

int host_state_new(const Manifest *manifest, Baseline *baseline, HostState **ret) {
        _cleanup_(host_state_unrefp) HostState *state = calloc(1, sizeof(*state));
        int r;

        if (!state)
                return -ENOMEM;
        state->n_refs = 1;
        state->seed_fd = -EBADF;
        state->baseline = baseline_ref(baseline);
        state->wanted = manifest->host ? json_object_get(manifest->host) : json_object_new_object();
        state->captured_tsc = manifest->timeline.start_tsc[PHASE_PREPARE];
        state->tsc_hz = manifest->timeline.tsc_hz;
        state->clock = manifest->clock;
        for (HostPart part = 0; part < _HOST_PART_MAX; part++) {
                state->results[part].problems = json_object_new_array();
                if (!state->results[part].problems)
                        return -ENOMEM;
        }
        if (!state->wanted)
                return -ENOMEM;
        r = network_from_manifest(state);
        if (r >= 0)
                r = all_tmpfs_from_json(state, manifest->tmpfs);
        if (r < 0)
                return r;
        for (HostPart part = 0; part < _HOST_PART_MAX; part++)
                state->results[part].n_lasting = json_object_array_length(state->results[part].problems);
        *ret = TAKE_PTR(state);
        return 0;
}
