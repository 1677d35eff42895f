/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "basic/io.h"
#include "basic/json.h"
#include "basic/log.h"
#include "update/host.h"
#include "update/report.h"
#include "update/update-internal.h"

#define REPORT_PATH LIVEUPDATE_RUNTIME_DIRECTORY "/report.json"
#define REPORT_BYTES_MAX (4U * 1024 * 1024)

static bool workload_came_back(Registry *registry, const char *name) {
        Workload *w = registry_get(registry, name);

        return w && workload_state(w) == WORKLOAD_RUNNING;
}

const char *report_outcome(const Update *update) {
        for (char **name = update->manifest.workloads; *name; name++)
                if (!workload_came_back(update->manager->registry, *name))
                        return "partial";
        return "updated";
}

static json_object *kernels_to_json(const Manifest *manifest) {
        _cleanup_json_ json_object *o = json_object_new_object();

        if (!o || json_add_string(o, "from", manifest->from_release) < 0 ||
                        json_add_string(o, "to", manifest->to_release) < 0)
                return NULL;
        return TAKE_PTR(o);
}

static json_object *checksum_skip_to_json(const Manifest *manifest) {
        _cleanup_json_ json_object *o = json_object_new_object();

        if (!o || json_add_string(o, "state", checksum_skip_to_string(manifest->checksum_skip)) < 0 ||
                        json_add_string(o, "evidence", manifest->checksum_skip_evidence) < 0)
                return NULL;
        return TAKE_PTR(o);
}

static json_object *workload_result(const Update *update, const char *name) {
        _cleanup_json_ json_object *o = json_object_new_object();
        Workload *w = registry_get(update->manager->registry, name);
        const char *outcome = !w ? "lost" : workload_state_to_string(workload_state(w));
        uint64_t blackout_usec = w && update->is_new_side ?
                        workload_blackout_usec(w, update->manifest.timeline.tsc_hz) :
                        timeline_blackout_usec(&update->manifest.timeline);

        if (!o || json_add_string(o, "name", name) < 0 ||
                        json_add_string(o, "kind", w ? workload_kind(w) : "qemu") < 0 ||
                        json_add_string(o, "outcome", outcome) < 0 ||
                        json_add_string(o, "problem", w ? workload_problem(w) : NULL) < 0 ||
                        json_add_u64(o, "blackoutUSec", blackout_usec) < 0)
                return NULL;
        return TAKE_PTR(o);
}

static json_object *workload_results(const Update *update) {
        _cleanup_json_ json_object *list = json_object_new_array();

        for (char **name = update->manifest.workloads; list && *name; name++) {
                json_object *o = workload_result(update, *name);

                if (!o || json_object_array_add(list, o) < 0) {
                        json_object_put(o);
                        return NULL;
                }
        }
        return TAKE_PTR(list);
}

/* The devices of the manifest, each with the time its shutdown took under the old kernel where its log tells. */
static json_object *device_results(const Update *update) {
        const ShutdownLog *log = update->shutdown_log;
        json_object *list = update->manifest.devices;

        if (!list)
                return json_object_new_array();
        for (size_t i = 0; log && i < json_object_array_length(list); i++) {
                json_object *o = json_object_array_get_idx(list, i);
                const char *address = "";

                (void) json_get_string(o, "address", &address);
                for (size_t k = 0; k < log->n_devices; k++)
                        if (strcmp(log->devices[k].device, address) == 0)
                                (void) json_add_u64(o, "shutdownUSec",
                                                tsc_to_usec(log->devices[k].end_tsc - log->devices[k].start_tsc,
                                                                update->manifest.timeline.tsc_hz));
        }
        return json_object_get(list);
}

static json_object *failure_to_json(const Update *update) {
        _cleanup_json_ json_object *o = json_object_new_object();

        if (!o || json_add_string(o, "phase", phase_to_string(update->failed_phase)) < 0 ||
                        json_add_string(o, "message", update->why) < 0)
                return NULL;
        return TAKE_PTR(o);
}

/* Where the old kernel's log was silent, the jump begins with the boot (new-side.c:timeline_fill_in()). */
static bool timeline_tells_jump_apart(const Timeline *timeline) {
        return timeline->start_tsc[PHASE_JUMP] < timeline->start_tsc[PHASE_BOOT];
}

json_object *report_new(const Update *update, const char *outcome) {
        _cleanup_json_ json_object *o = json_object_new_object();
        Timeline timeline = update->manifest.timeline;

        if (timeline.end_tsc == 0)
                timeline.end_tsc = tsc_now();

        if (!o || json_add_string(o, "id", update->manifest.id) < 0 ||
                        json_add_string(o, "outcome", outcome) < 0 ||
                        json_add(o, "kernel", kernels_to_json(&update->manifest)) < 0 ||
                        json_add_u64(o, "blackoutUSec", timeline_blackout_usec(&timeline)) < 0 ||
                        json_add_u64(o, "brownoutUSec", timeline_brownout_usec(&timeline)) < 0 ||
                        json_add(o, "checksumSkip", checksum_skip_to_json(&update->manifest)) < 0 ||
                        json_add_bool(o, "jumpToldApart", timeline_tells_jump_apart(&timeline)) < 0 ||
                        json_add(o, "phases", timeline_phases_to_json(&timeline)) < 0 ||
                        json_add(o, "workloads", workload_results(update)) < 0 ||
                        json_add(o, "devices", device_results(update)) < 0 ||
                        (update->manager->host && json_add(o, "host", host_restore_report(update->manager->host)) < 0) ||
                        (update->error < 0 && json_add(o, "failure", failure_to_json(update)) < 0))
                return NULL;
        return TAKE_PTR(o);
}

void report_keep(Manager *manager, json_object *report) {
        int r;

        if (!report) {
                log_error("There is no memory for the report of the update.");
                return;
        }
        json_object_put(manager->report);
        manager->report = report;
        r = write_file_atomic(REPORT_PATH, json_object_to_json_string_ext(report, JSON_C_TO_STRING_PLAIN), 0644);
        if (r < 0)
                log_warning_errno(r, "The report will not outlive this process, cannot write " REPORT_PATH ": %m");
}

void report_load(Manager *manager) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        r = read_file_at(AT_FDCWD, REPORT_PATH, REPORT_BYTES_MAX, &text, &size);
        if (r >= 0)
                r = json_parse_object(text, size, &manager->report);
        if (r < 0 && r != -ENOENT)
                log_warning_errno(r, "Cannot read the report of the last update in " REPORT_PATH ": %m");
}
