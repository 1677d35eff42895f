/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "timeline/timeline.h"

/* Private to daemon/timeline and its tests. */

typedef struct TraceFiles {
        const char *initcall_debug, *console_level;
} TraceFiles;

int trace_shutdown_with(const TraceFiles *files, bool on, TraceState *state);
