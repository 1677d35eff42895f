/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/log.h"
#include "update/messages.h"
#include "update/story.h"
#include "update/update-internal.h"

#define FIELDS_MAX 8U

/* Journal fields, for as long as one entry takes. */
typedef struct Fields {
        char *strings[FIELDS_MAX + 1];
        size_t n;
} Fields;

static void fields_done(Fields *fields) {
        while (fields->n > 0)
                free(fields->strings[--fields->n]);
}

static void fields_add(Fields *fields, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void fields_add(Fields *fields, const char *format, ...) {
        va_list ap;
        int n;

        if (fields->n == FIELDS_MAX)
                return;
        va_start(ap, format);
        n = vasprintf(&fields->strings[fields->n], format, ap);
        va_end(ap);
        if (n >= 0)
                fields->strings[++fields->n] = NULL;
        else
                fields->strings[fields->n] = NULL;
}

static const char *const *fields_get(const Fields *fields) {
        return (const char *const *) fields->strings;
}

void story_config(const char *problem) {
        _cleanup_(fields_done) Fields fields = {};

        fields_add(&fields, "LIVEUPDATE_REASON=%s", problem);
        (void) log_event(LOG_WARNING, MESSAGE_CONFIG, fields_get(&fields), "%s", problem);
}

void story_staged(const StagedKernel *staged) {
        _cleanup_(fields_done) Fields fields = {};

        fields_add(&fields, "LIVEUPDATE_KERNEL_TO=%s", staged->release ?: "");
        fields_add(&fields, "LIVEUPDATE_ORIGIN=%s", staged->origin);
        fields_add(&fields, "LIVEUPDATE_CHECKSUM_SKIP=%s", checksum_skip_to_string(staged->load.checksum_skip));
        (void) log_event(LOG_NOTICE, MESSAGE_STAGED, fields_get(&fields), "Staged %s from %s%s, checksum skip %s.",
                        staged->release ?: "a kernel", staged->origin, staged->is_automatic ? " by itself" : "",
                        checksum_skip_to_string(staged->load.checksum_skip));
}

void story_unstaged(const StagedKernel *staged) {
        _cleanup_(fields_done) Fields fields = {};

        fields_add(&fields, "LIVEUPDATE_KERNEL_TO=%s", staged->release ?: "");
        (void) log_event(LOG_NOTICE, MESSAGE_UNSTAGED, fields_get(&fields), "Unstaged %s.",
                        staged->release ?: "the kernel");
}

void story_stage_failed(const char *origin, const char *message, const char *remedy) {
        _cleanup_(fields_done) Fields fields = {};

        fields_add(&fields, "LIVEUPDATE_ORIGIN=%s", origin);
        fields_add(&fields, "LIVEUPDATE_REASON=%s", message);
        (void) log_event(LOG_ERR, MESSAGE_STAGE_FAILED, fields_get(&fields), "%s was not staged: %s %s", origin,
                        message, remedy ?: "");
}

void story_commit_refused(const char *release, const char *message, const char *remedy) {
        _cleanup_(fields_done) Fields fields = {};

        fields_add(&fields, "LIVEUPDATE_KERNEL_TO=%s", release ?: "");
        fields_add(&fields, "LIVEUPDATE_REASON=%s", message);
        (void) log_event(LOG_ERR, MESSAGE_COMMIT_REFUSED, fields_get(&fields), "%s was not committed by itself: %s %s",
                        release ?: "What is staged", message, remedy ?: "");
}

static void fields_add_update(Fields *fields, const Update *update) {
        const Manifest *manifest = &update->manifest;

        fields_add(fields, "LIVEUPDATE_ID=%s", manifest->id);
        fields_add(fields, "LIVEUPDATE_KERNEL_FROM=%s", manifest->from_release ?: "");
        fields_add(fields, "LIVEUPDATE_KERNEL_TO=%s", manifest->to_release ?: "");
}

void story_committed(const Update *update) {
        _cleanup_(fields_done) Fields fields = {};

        fields_add_update(&fields, update);
        (void) log_event(LOG_NOTICE, MESSAGE_COMMITTED, fields_get(&fields), "Updating the kernel from %s to %s.",
                        update->manifest.from_release, update->manifest.to_release ?: "the staged one");
}

void story_interrupted(const Update *update) {
        _cleanup_(fields_done) Fields fields = {};

        fields_add_update(&fields, update);
        (void) log_event(LOG_WARNING, MESSAGE_INTERRUPTED, fields_get(&fields),
                        "liveupdated ended in the middle of an update; undoing what it had done.");
}

void story_workload_lost(const Update *update, const char *name, const char *why) {
        _cleanup_(fields_done) Fields fields = {};

        fields_add_update(&fields, update);
        fields_add(&fields, "LIVEUPDATE_WORKLOAD=%s", name);
        fields_add(&fields, "LIVEUPDATE_REASON=%s", why);
        (void) log_event(LOG_ERR, MESSAGE_WORKLOAD_LOST, fields_get(&fields), "%s has not come back: %s", name, why);
}

void story_device_unsafe(const Update *update, const char *why) {
        _cleanup_(fields_done) Fields fields = {};

        fields_add_update(&fields, update);
        fields_add(&fields, "LIVEUPDATE_REASON=%s", why);
        (void) log_event(LOG_ERR, MESSAGE_DEVICE_UNSAFE, fields_get(&fields),
                        "Going on although a device may write to the next kernel's memory, since "
                        "UnsafeDevices=warn: %s", why);
}

void story_host_restored(const char *id) {
        _cleanup_(fields_done) Fields fields = {};

        fields_add(&fields, "LIVEUPDATE_ID=%s", id);
        (void) log_event(LOG_NOTICE, MESSAGE_HOST_RESTORED, fields_get(&fields),
                        "What the host had been told at run time is as it was.");
}

void story_host_problem(const char *id, const char *part, const char *problem) {
        _cleanup_(fields_done) Fields fields = {};

        fields_add(&fields, "LIVEUPDATE_ID=%s", id);
        fields_add(&fields, "LIVEUPDATE_PART=%s", part);
        fields_add(&fields, "LIVEUPDATE_REASON=%s", problem);
        (void) log_event(LOG_WARNING, MESSAGE_HOST_PROBLEM, fields_get(&fields), "The host is not as it was, %s: %s",
                        part, problem);
}

void story_handover_unread(const char *why) {
        _cleanup_(fields_done) Fields fields = {};

        fields_add(&fields, "LIVEUPDATE_REASON=%s", why);
        (void) log_event(LOG_ERR, MESSAGE_HANDOVER_UNREAD, fields_get(&fields),
                        "The manifest of the previous kernel cannot be read, %s. All that it preserved is kept: start "
                        "the units of the guests, each is restored from its own session.", why);
}

void story_device_problem(const char *id, const char *address, const char *problem) {
        _cleanup_(fields_done) Fields fields = {};

        fields_add(&fields, "LIVEUPDATE_ID=%s", id);
        fields_add(&fields, "LIVEUPDATE_DEVICE=%s", address);
        fields_add(&fields, "LIVEUPDATE_REASON=%s", problem);
        (void) log_event(LOG_WARNING, MESSAGE_DEVICE_PROBLEM, fields_get(&fields),
                        "%s is not as it was before the update: %s.", address, problem);
}

static void tell_phase(const Update *update, Phase phase, uint64_t start_tsc, uint64_t end_tsc) {
        static const sd_id128_t ids[_PHASE_MAX] = {
                [PHASE_PREPARE] = MESSAGE_PHASE_PREPARE,
                [PHASE_QUIESCE] = MESSAGE_PHASE_QUIESCE,
                [PHASE_PAUSE] = MESSAGE_PHASE_PAUSE,
                [PHASE_SAVE] = MESSAGE_PHASE_SAVE,
                [PHASE_DRAIN] = MESSAGE_PHASE_DRAIN,
                [PHASE_SEAL] = MESSAGE_PHASE_SEAL,
                [PHASE_SHUTDOWN] = MESSAGE_PHASE_SHUTDOWN,
                [PHASE_JUMP] = MESSAGE_PHASE_JUMP,
                [PHASE_BOOT] = MESSAGE_PHASE_BOOT,
                [PHASE_USERSPACE] = MESSAGE_PHASE_USERSPACE,
                [PHASE_RETRIEVE] = MESSAGE_PHASE_RETRIEVE,
                [PHASE_RESTORE] = MESSAGE_PHASE_RESTORE,
                [PHASE_RESUME] = MESSAGE_PHASE_RESUME,
                [PHASE_FINISH] = MESSAGE_PHASE_FINISH,
        };
        const Timeline *timeline = &update->manifest.timeline;
        uint64_t usec = tsc_to_usec(end_tsc - start_tsc, timeline->tsc_hz);
        _cleanup_(fields_done) Fields fields = {};

        fields_add(&fields, "LIVEUPDATE_ID=%s", update->manifest.id);
        fields_add(&fields, "LIVEUPDATE_PHASE=%s", phase_to_string(phase));
        fields_add(&fields, "LIVEUPDATE_START_USEC=%" PRIu64,
                        tsc_to_usec(start_tsc - timeline->start_tsc[PHASE_PREPARE], timeline->tsc_hz));
        fields_add(&fields, "LIVEUPDATE_DURATION_USEC=%" PRIu64, usec);
        (void) log_event(LOG_INFO, ids[phase], fields_get(&fields), "Phase %s took %" PRIu64 ".%03" PRIu64 " s.",
                        phase_to_string(phase), usec / 1000000, usec / 1000 % 1000);
}

static void tell_phases(const Update *update) {
        const Timeline *timeline = &update->manifest.timeline;
        uint64_t end_tsc = timeline->end_tsc ?: tsc_now();
        Phase reached[_PHASE_MAX];
        size_t n = 0;

        for (Phase phase = 0; phase < _PHASE_MAX; phase++)
                if (timeline->start_tsc[phase] > 0)
                        reached[n++] = phase;
        for (size_t i = 0; i < n; i++)
                tell_phase(update, reached[i], timeline->start_tsc[reached[i]],
                                i + 1 < n ? timeline->start_tsc[reached[i + 1]] : end_tsc);
}

static void tell_workload(const Update *update, const char *name) {
        Workload *w = registry_get(update->manager->registry, name);
        _cleanup_(fields_done) Fields fields = {};
        uint64_t usec;

        if (!w || workload_state(w) != WORKLOAD_RUNNING) {
                story_workload_lost(update, name, !w ? "it did not come over" :
                                workload_problem(w) ?: workload_state_to_string(workload_state(w)));
                return;
        }
        usec = workload_blackout_usec(w, update->manifest.timeline.tsc_hz);
        fields_add_update(&fields, update);
        fields_add(&fields, "LIVEUPDATE_WORKLOAD=%s", name);
        fields_add(&fields, "LIVEUPDATE_BLACKOUT_USEC=%" PRIu64, usec);
        (void) log_event(LOG_NOTICE, MESSAGE_WORKLOAD_RESTORED, fields_get(&fields),
                        "%s goes on after %" PRIu64 ".%03" PRIu64 " s.", name, usec / 1000000, usec / 1000 % 1000);
}

static void tell_rolled_back(const Update *update) {
        const char *why = update->why ?: strerror(-update->error);
        _cleanup_(fields_done) Fields fields = {};

        fields_add_update(&fields, update);
        fields_add(&fields, "LIVEUPDATE_PHASE=%s", phase_to_string(update->failed_phase));
        fields_add(&fields, "LIVEUPDATE_REASON=%s", why);
        (void) log_event(LOG_ERR, MESSAGE_ROLLED_BACK, fields_get(&fields),
                        "The update is rolled back, everything runs as before. %s failed: %s",
                        phase_to_string(update->failed_phase), why);
}

static void tell_updated(const Update *update, const char *outcome) {
        bool is_partial = strcmp(outcome, "partial") == 0;
        uint64_t usec = timeline_blackout_usec(&update->manifest.timeline);
        _cleanup_(fields_done) Fields fields = {};

        fields_add_update(&fields, update);
        fields_add(&fields, "LIVEUPDATE_BLACKOUT_USEC=%" PRIu64, usec);
        (void) log_event(is_partial ? LOG_ERR : LOG_NOTICE, is_partial ? MESSAGE_PARTIAL : MESSAGE_UPDATED,
                        fields_get(&fields),
                        "The kernel is updated from %s to %s, blackout %" PRIu64 ".%03" PRIu64 " s%s.",
                        update->manifest.from_release ?: "another", update->manifest.to_release ?: "this one",
                        usec / 1000000, usec / 1000 % 1000, is_partial ? "; not every workload came back" : "");
}

void story_over(const Update *update, const char *outcome) {
        tell_phases(update);
        if (!update->is_new_side) {
                tell_rolled_back(update);
                return;
        }
        for (char **name = update->manifest.workloads; *name; name++)
                tell_workload(update, *name);
        tell_updated(update, outcome);
}
