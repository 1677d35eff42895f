/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The host's network as an update carries it, by itself: "capture FILE" and "restore FILE", each with all that is
 * between the kernel and the bytes of a manifest. Prints the microseconds that it took, how many requests changed
 * something, and how many problems there were, which go to the standard error. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "basic/clock.h"
#include "basic/io.h"
#include "basic/json.h"
#include "host/network.h"

#define BYTES_MAX (128U << 20)

static int capture(const char *path, NetworkOutcome *outcome) {
        _cleanup_(network_freep) Network *network = NULL;
        _cleanup_json_ json_object *o = NULL;
        int r;

        r = network_capture(&network);
        if (r >= 0)
                r = network_select(network, NULL, outcome->problems);
        if (r < 0)
                return r;
        o = network_to_json(network);
        if (!o)
                return -ENOMEM;
        return write_file_atomic(path, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN), 0600);
}

static int restore(const char *path, NetworkOutcome *outcome) {
        _cleanup_(network_freep) Network *network = NULL;
        _cleanup_json_ json_object *o = NULL;
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        r = read_file_at(AT_FDCWD, path, BYTES_MAX, &text, &size);
        if (r >= 0)
                r = json_parse_object(text, size, &o);
        if (r >= 0)
                r = network_from_json(o, &network);
        return r < 0 ? r : network_reconcile(network, 0, NETWORK_PASS_FIRST, outcome);
}

int main(int argc, char **argv) {
        NetworkOutcome outcome = { .problems = json_object_new_array() };
        uint64_t began = now_usec(CLOCK_MONOTONIC);
        int r = -EINVAL;

        if (argc == 3 && strcmp(argv[1], "capture") == 0)
                r = capture(argv[2], &outcome);
        else if (argc == 3 && strcmp(argv[1], "restore") == 0)
                r = restore(argv[2], &outcome);
        if (r < 0) {
                fprintf(stderr, "network-state capture|restore FILE: %s\n", strerror(-r));
                return EXIT_FAILURE;
        }
        printf("%" PRIu64 " %zu %zu\n", now_usec(CLOCK_MONOTONIC) - began, outcome.n_changes,
               json_object_array_length(outcome.problems));
        for (size_t i = 0; i < json_object_array_length(outcome.problems); i++)
                fprintf(stderr, "%s\n", json_object_get_string(json_object_array_get_idx(outcome.problems, i)));
        network_outcome_done(&outcome);
        return EXIT_SUCCESS;
}
