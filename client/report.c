/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "basic/json.h"
#include "client/ctl.h"
#include "client/devices-text.h"
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

static void print_milliseconds(json_object *device, const char *key) {
        uint64_t usec;

        if (json_get_u64(device, key, &usec) >= 0)
                printf(" %8.1f ms", (double) usec / 1e3);
        else
                printf(" %11s", "-");
}

static void print_sentences(json_object *o, const char *key) {
        json_object *list;

        if (json_get_array(o, key, &list) < 0)
                return;
        for (size_t i = 0; i < json_object_array_length(list); i++) {
                const char *sentence = json_object_get_string(json_object_array_get_idx(list, i));

                printf("    %s\n", sentence ?: "-");
        }
}

/* Something was done with it, or is wrong. */
static bool is_worth_a_row(json_object *device) {
        const char *outcome = NULL;
        json_object *problems;

        if (json_get_array(device, "problems", &problems) >= 0 && json_object_array_length(problems) > 0)
                return true;
        return json_get_string(device, "outcome", &outcome) >= 0 && strcmp(outcome, "kept") != 0 &&
               !device_is_idle(device);
}

static void print_devices(json_object *devices) {
        bool is_first = true;

        for (size_t i = 0; i < json_object_array_length(devices); i++) {
                json_object *device = json_object_array_get_idx(devices, i);

                if (!is_worth_a_row(device))
                        continue;
                if (is_first)
                        printf("\n  %-12s %-12s %-10s %-9s %11s %11s\n", "DEVICE", "DRIVER", "POLICY", "OUTCOME",
                                        "DRAIN", "SHUTDOWN");
                is_first = false;
                printf("  %-12s %-12s %-10s %-9s", ctl_string(device, "address"), ctl_string(device, "driver"),
                                ctl_string(device, "policy"), ctl_string(device, "outcome"));
                print_milliseconds(device, "drainUSec");
                print_milliseconds(device, "shutdownUSec");
                putchar('\n');
                print_sentences(device, "problems");
        }
}

/* A part that took nothing and lacks nothing has no row. */
static void print_host_part(json_object *part, bool *is_first) {
        json_object *problems;

        if (ctl_u64(part, "changes") == 0 && json_get_array(part, "problems", &problems) < 0)
                return;
        if (*is_first)
                printf("\n  %-24s %-10s %11s\n", "HOST", "CHANGES", "TOOK");
        *is_first = false;
        printf("  %-24s %-10" PRIu64, ctl_string(part, "name"), ctl_u64(part, "changes"));
        print_milliseconds(part, "usec");
        putchar('\n');
        print_sentences(part, "problems");
}

static void print_host(json_object *host) {
        const char *outcome = ctl_string(host, "outcome");
        bool is_first = true;
        json_object *parts;

        if (json_get_array(host, "parts", &parts) >= 0)
                for (size_t i = 0; i < json_object_array_length(parts); i++)
                        print_host_part(json_object_array_get_idx(parts, i), &is_first);
        if (strcmp(outcome, "restoring") == 0)
                puts("\n  The host is still being put back, until a while after the boot is over.");
        if (json_get_array(host, "omitted", &parts) >= 0) {
                puts("\n  Not carried over:");
                print_sentences(host, "omitted");
        }
}

int report_main(Ctl *ctl, int argc, char **argv) {
        static const CtlUsage usage = {
                .synopsis = "report",
                .text = "Shows where the time of the last update went, phase by phase, what was done with which\n"
                        "device, and what of the host was put back. The JSON form is the report itself, as described by\n"
                        "report.schema.json.",
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
        if (json_get_array(report, "devices", &list) >= 0)
                print_devices(list);
        if (json_get_object(report, "host", &list) >= 0)
                print_host(list);
        return CTL_OK;
}
