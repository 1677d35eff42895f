/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "basic/io.h"
#include "timeline/timeline.h"
#include "timeline/trace.h"

/* Consoles, pstore's among them, get what is below this level
 * (kernel/printk/printk.c:suppress_message_printing()). */
#define CONSOLE_LEVEL_INFO (LOG_INFO + 1)

static int initcall_debug_get(const char *path, bool *ret) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = read_file_at(AT_FDCWD, path, 16, &text, NULL);
        if (r < 0)
                return r;
        if (strcmp(text, "Y\n") != 0 && strcmp(text, "N\n") != 0)
                return -EBADMSG;
        *ret = text[0] == 'Y';
        return 0;
}

static int initcall_debug_set(const char *path, bool on) {
        return write_file(path, on ? "Y\n" : "N\n");
}

static int console_level_get(const char *path, int *ret) {
        _cleanup_free_ char *text = NULL;
        char *end;
        long level;
        int r;

        r = read_file_at(AT_FDCWD, path, 64, &text, NULL);
        if (r < 0)
                return r;
        errno = 0;
        level = strtol(text, &end, 10);
        if (errno != 0 || end == text || level < INT_MIN || level > INT_MAX)
                return -EBADMSG;
        *ret = (int) level;
        return 0;
}

/* The first of the file's four numbers; the others stay as they are when they are not written. Not
 * klogctl(), which cannot put back a level below the minimum or above 8
 * (kernel/printk/printk.c:do_syslog()). */
static int console_level_set(const char *path, int level) {
        char text[16];

        snprintf(text, sizeof(text), "%i\n", level);
        return write_file(path, text);
}

int trace_shutdown_with(const TraceFiles *files, bool on, TraceState *state) {
        TraceState earlier = { .is_on = true };
        int r, q;

        if (!on) {
                if (!state->is_on)
                        return 0;
                /* Both, whatever becomes of one. */
                r = initcall_debug_set(files->initcall_debug, state->initcall_debug);
                q = console_level_set(files->console_level, state->console_level);
                if (r >= 0 && q >= 0)
                        state->is_on = false;
                return r < 0 ? r : q;
        }

        r = initcall_debug_get(files->initcall_debug, &earlier.initcall_debug);
        if (r < 0)
                return r;
        r = console_level_get(files->console_level, &earlier.console_level);
        if (r < 0)
                return r;

        r = initcall_debug_set(files->initcall_debug, true);
        if (r < 0)
                return r;
        if (earlier.console_level < CONSOLE_LEVEL_INFO)
                r = console_level_set(files->console_level, CONSOLE_LEVEL_INFO);
        if (r < 0) {
                (void) initcall_debug_set(files->initcall_debug, earlier.initcall_debug);
                return r;
        }
        *state = earlier;
        return 0;
}

int timeline_trace_shutdown(bool on, TraceState *state) {
        static const TraceFiles files = {
                .initcall_debug = "/sys/module/kernel/parameters/initcall_debug",
                .console_level = "/proc/sys/kernel/printk",
        };

        return trace_shutdown_with(&files, on, state);
}
