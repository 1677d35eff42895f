/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "basic/json.h"
#include "timeline/timeline.h"

/* No TSC ticks slower or faster; anything else in a manifest is damage. */
#define TSC_HZ_MIN UINT64_C(1000000)
#define TSC_HZ_MAX UINT64_C(100000000000)

static const char *const phase_names[_PHASE_MAX] = {
        [PHASE_PREPARE] = "prepare",
        [PHASE_QUIESCE] = "quiesce",
        [PHASE_PAUSE] = "pause",
        [PHASE_SAVE] = "save",
        [PHASE_DRAIN] = "drain",
        [PHASE_SEAL] = "seal",
        [PHASE_SHUTDOWN] = "shutdown",
        [PHASE_JUMP] = "jump",
        [PHASE_BOOT] = "boot",
        [PHASE_USERSPACE] = "userspace",
        [PHASE_RETRIEVE] = "retrieve",
        [PHASE_RESTORE] = "restore",
        [PHASE_RESUME] = "resume",
        [PHASE_FINISH] = "finish",
};

const char *phase_to_string(Phase phase) {
        return (size_t) phase < _PHASE_MAX ? phase_names[phase] : NULL;
}

int phase_from_string(const char *name) {
        for (int phase = 0; name && phase < _PHASE_MAX; phase++)
                if (strcmp(phase_names[phase], name) == 0)
                        return phase;
        return -EINVAL;
}

void timeline_begin(Timeline *timeline, Phase phase) {
        timeline->start_tsc[phase] = timeline->end_tsc = tsc_now();
}

/* The phases that were reached, in µs since the first of them. Everything that is shown is made of these, so
 * that it adds up: a sum of differences of rounded instants is again a difference of rounded instants. */
typedef struct Span {
        Phase phase;
        uint64_t start_usec, end_usec;
} Span;

static size_t timeline_spans(const Timeline *timeline, Span spans[static _PHASE_MAX]) {
        uint64_t first = 0, now = 0, usec = 0;
        size_t n = 0;

        for (int phase = 0; phase < _PHASE_MAX; phase++) {
                uint64_t start = timeline->start_tsc[phase];

                if (start == 0)
                        continue;
                if (n == 0)
                        first = now = start;
                /* Instants from the kernel's log are good to a µs only and may fall behind their neighbours.
                 */
                if (start > now)
                        now = start;
                usec = tsc_to_usec(now - first, timeline->tsc_hz);
                if (n > 0)
                        spans[n - 1].end_usec = usec;
                spans[n++] = (Span){ .phase = phase, .start_usec = usec };
        }
        if (n > 0)
                spans[n - 1].end_usec = timeline->end_tsc > now
                                ? tsc_to_usec(timeline->end_tsc - first, timeline->tsc_hz)
                                : usec;
        return n;
}

json_object *timeline_phases_to_json(const Timeline *timeline) {
        _cleanup_json_ json_object *array = json_object_new_array();
        Span spans[_PHASE_MAX];
        size_t n = timeline_spans(timeline, spans);

        for (size_t i = 0; array && i < n; i++) {
                json_object *o = json_object_new_object();

                if (!o || json_add_string(o, "name", phase_to_string(spans[i].phase)) < 0 ||
                                json_add_u64(o, "startUSec", spans[i].start_usec) < 0 ||
                                json_add_u64(o, "durationUSec", spans[i].end_usec - spans[i].start_usec) <
                                                0 ||
                                json_object_array_add(array, o) < 0) {
                        json_object_put(o);
                        return NULL;
                }
        }
        return TAKE_PTR(array);
}

uint64_t timeline_blackout_usec(const Timeline *timeline) {
        Span spans[_PHASE_MAX];
        size_t n = timeline_spans(timeline, spans), i = 0, j;

        while (i < n && spans[i].phase != PHASE_PAUSE)
                i++;
        if (i == n)
                return 0;
        for (j = i; j + 1 < n && spans[j + 1].phase != PHASE_FINISH; j++)
                ;
        return spans[j].end_usec - spans[i].start_usec;
}

uint64_t timeline_brownout_usec(const Timeline *timeline) {
        Span spans[_PHASE_MAX];
        size_t n = timeline_spans(timeline, spans), i = 0;

        while (i < n && spans[i].phase < PHASE_PAUSE)
                i++;
        return i > 0 ? spans[i - 1].end_usec : 0;
}

json_object *timeline_to_json(const Timeline *timeline) {
        _cleanup_json_ json_object *o = json_object_new_object(), *phases = json_object_new_object();

        if (!o || !phases || json_add_u64(o, "tscHz", timeline->tsc_hz) < 0)
                return NULL;
        for (int phase = 0; phase < _PHASE_MAX; phase++)
                if (timeline->start_tsc[phase] > 0 &&
                                json_add_u64(phases, phase_to_string(phase), timeline->start_tsc[phase]) < 0)
                        return NULL;
        if (json_add(o, "phases", TAKE_PTR(phases)) < 0)
                return NULL;
        return TAKE_PTR(o);
}

int timeline_from_json(json_object *o, Timeline *ret) {
        Timeline timeline = { 0 };
        json_object *phases;

        if (json_get_u64(o, "tscHz", &timeline.tsc_hz) < 0 || timeline.tsc_hz < TSC_HZ_MIN ||
                        timeline.tsc_hz > TSC_HZ_MAX || json_get_object(o, "phases", &phases) < 0)
                return -EBADMSG;

        for (int phase = 0; phase < _PHASE_MAX; phase++) {
                int r = json_get_u64(phases, phase_to_string(phase), &timeline.start_tsc[phase]);

                if (r == -ENOENT)
                        continue;
                if (r < 0 || timeline.start_tsc[phase] == 0 || timeline.start_tsc[phase] < timeline.end_tsc)
                        return -EBADMSG;
                timeline.end_tsc = timeline.start_tsc[phase];
        }

        *ret = timeline;
        return 0;
}
