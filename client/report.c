/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "basic/json.h"
#include "client/ctl.h"
#include "timeline/timeline.h"

#define BAR_COLUMNS 40

static double seconds(uint64_t usec) {
        return (double) usec / 1e6;
}

static void print_head(json_object *report) {
        json_object *kernel = NULL, *skip = NULL, *failure = NULL;

        (void) json_get_object(report, "kernel", &kernel);
        (void) json_get_object(report, "checksumSkip", &skip);
        printf("  Outcome        %s\n", ctl_string(report, "outcome"));
        if (json_get_object(report, "failure", &failure) >= 0)
                printf("                 %s failed: %s\n", ctl_string(failure, "phase"),
                                ctl_string(failure, "message"));
        printf("  Kernel         %s -> %s\n", ctl_string(kernel, "from"), ctl_string(kernel, "to"));
        printf("  Checksum skip  %s\n", ctl_string(skip, "state"));
        printf("  Brownout       %8.3f s\n", seconds(ctl_u64(report, "brownoutUSec")));
        printf("  Blackout       %8.3f s\n\n", seconds(ctl_u64(report, "blackoutUSec")));
}

static bool is_blackout(const char *name) {
        int phase = phase_from_string(name);

        return phase >= PHASE_PAUSE && phase < PHASE_FINISH;
}

static void print_bar(uint64_t start, uint64_t duration, uint64_t total, char mark) {
        uint64_t from = total ? start * BAR_COLUMNS / total : 0;
        uint64_t to = total ? (start + duration) * BAR_COLUMNS / total : 0;

        for (uint64_t column = 0; column < BAR_COLUMNS; column++)
                putchar(column == from || (column > from && column < to) ? mark : ' ');
}

static void print_phases(json_object *phases) {
        size_t n = json_object_array_length(phases);
        json_object *last = n ? json_object_array_get_idx(phases, n - 1) : NULL;
        uint64_t total = ctl_u64(last, "startUSec") + ctl_u64(last, "durationUSec");

        printf("  %-10s %10s %10s\n", "PHASE", "START", "DURATION");
        for (size_t i = 0; i < n; i++) {
                json_object *phase = json_object_array_get_idx(phases, i);
                uint64_t start = ctl_u64(phase, "startUSec"), duration = ctl_u64(phase, "durationUSec");
                const char *name = ctl_string(phase, "name");

                printf("  %-10s %8.3f s %8.3f s  |", name, seconds(start), seconds(duration));
                print_bar(start, duration, total, is_blackout(name) ? '#' : '-');
                puts("|");
        }
}

static void print_workloads(json_object *workloads) {
        for (size_t i = 0; i < json_object_array_length(workloads); i++) {
                json_object *w = json_object_array_get_idx(workloads, i);
                const char *problem = NULL;

                if (i == 0)
                        printf("\n  %-24s %-10s %10s\n", "WORKLOAD", "OUTCOME", "BLACKOUT");
                printf("  %-24s %-10s %8.3f s\n", ctl_string(w, "name"), ctl_string(w, "outcome"),
                                seconds(ctl_u64(w, "blackoutUSec")));
                if (json_get_string(w, "problem", &problem) >= 0)
                        printf("    %s\n", problem);
        }
}

int report_main(Ctl *ctl, int argc, char **argv) {
        static const CtlUsage usage = {
                .synopsis = "report",
                .text = "Shows where the time of the last update went, phase by phase. The JSON form is the report\n"
                        "itself, as described by report.schema.json.",
        };
        _cleanup_(varlink_reply_done) VarlinkReply reply = {};
        json_object *report, *list;
        int r;

        r = ctl_options(ctl, &usage, NULL, 0, argc, argv);
        if (r != CTL_OK)
                return r;
        r = ctl_call(ctl, "io.liveupdate.Report", NULL, NULL, 0, &reply);
        if (r != CTL_OK)
                return r;
        if (json_get_object(reply.parameters, "report", &report) < 0)
                return ctl_lost_connection(-EBADMSG);
        if (ctl->json != JSON_OFF) {
                ctl_print_json(ctl, report);
                return CTL_OK;
        }

        print_head(report);
        if (json_get_array(report, "phases", &list) >= 0)
                print_phases(list);
        if (json_get_array(report, "workloads", &list) >= 0)
                print_workloads(list);
        return CTL_OK;
}
