/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "privileged/privileged.h"
#include "update/staging-internal.h"

/* Without it, systemd is asked for that socket when guests wait for what is done through it, and takes its time in the
 * middle of a boot. A boot that is no update's shall not have to start it. */
#define WANTS_HELPER "systemd.wants=" PRIVILEGED_UNIT

/* The image's own and its addons', as systemd-stub joins them. */
static int of_image(const Staging *staging, char **ret) {
        _cleanup_free_ char *line = strdup(staging->image->cmdline ?: "");

        for (size_t i = 0; line && i < staging->order->n_addons; i++) {
                const char *more = staging->addon_images[i]->cmdline;
                char *longer;

                if (!more)
                        continue;
                if (asprintf(&longer, "%s%s%s", line, *line ? " " : "", more) < 0)
                        return -ENOMEM;
                free(line);
                line = longer;
        }
        if (!line)
                return -ENOMEM;
        *ret = TAKE_PTR(line);
        return 0;
}

bool staging_brings_command_line(const Staging *staging) {
        for (size_t i = 0; i < staging->order->n_addons; i++)
                if (staging->addon_images[i]->cmdline)
                        return true;
        return staging->image->cmdline;
}

static int choose(const Staging *staging, const char *running, CommandLineOrigin *ret_origin, char **ret) {
        const StageOrder *order = staging->order;

        if (order->command_line) {
                *ret_origin = order->from_entry ? COMMAND_LINE_OF_ENTRY : COMMAND_LINE_GIVEN;
                *ret = strdup(order->command_line);
        } else if (order->reuses_command_line || !staging_brings_command_line(staging)) {
                *ret_origin = COMMAND_LINE_OF_RUNNING;
                *ret = strdup(running);
        } else {
                *ret_origin = COMMAND_LINE_OF_IMAGE;
                return of_image(staging, ret);
        }
        return *ret ? 0 : -ENOMEM;
}

/* What the kernel being loaded takes, and what loads it: see KEXEC_CMDLINE_BYTES_MAX. */
static size_t bytes_max(const Staging *staging) {
        uint64_t own = staging_kernel(staging)->boot.command_line_bytes, reserved = 2047 - KEXEC_CMDLINE_BYTES_MAX;

        return own > reserved && own - reserved < KEXEC_CMDLINE_BYTES_MAX ? (size_t) (own - reserved) :
                                                                            KEXEC_CMDLINE_BYTES_MAX;
}

static int find(Staging *staging, size_t max, bool lacks_trace) {
        const StagedKernel *staged = staging->staged;
        size_t length = strlen(staged->command_line);
        int r;

        if (length > max)
                return staging_refuse(staging, "ImageRefused", "cmdline-too-long",
                                "Shorten it: a kexec takes less than a boot loader may give.",
                                "With what a live update needs, the command line has %zu bytes; the kernel takes %zu.",
                                length, max);
        r = staging_say(staging, "command-line", "ok", NULL, "The command line has %zu of %zu bytes%s%s.", length, max,
                        staged->command_line_added ? "; added: " : "", staged->command_line_added ?: "");
        if (r < 0 || !lacks_trace)
                return r;
        return staging_say(staging, "trace-memory", "warn", "Shorten the command line by some 80 bytes.",
                        "There is no room on the command line for the memory of the kernel's log: the next report will "
                        "not tell shutdown from jump.");
}

int staging_command_line(Staging *staging) {
        StagedKernel *staged = staging->staged;
        _cleanup_free_ char *running = NULL, *base = NULL, *added = NULL;
        size_t max = bytes_max(staging);
        bool lacks_trace;
        int r;

        r = command_line_of_running_kernel(&running);
        if (r >= 0)
                r = choose(staging, running, &staged->command_line_origin, &base);
        if (r >= 0)
                r = command_line_additions(base, running, sd_booted() > 0 ? WANTS_HELPER : NULL, max, &added,
                                &lacks_trace);
        if (r < 0)
                return r;
        staged->command_line = command_line_join(base, added);
        if (!staged->command_line)
                return -ENOMEM;
        if (*added)
                staged->command_line_added = TAKE_PTR(added);
        return find(staging, max, lacks_trace);
}
