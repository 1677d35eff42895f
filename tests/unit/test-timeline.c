/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "basic/io.h"
#include "basic/json.h"
#include "timeline/ticks.h"
#include "timeline/timeline.h"
#include "timeline/trace.h"
#include "unit.h"

START_TEST(names_of_phases) {
        for (int phase = 0; phase < _PHASE_MAX; phase++)
                ck_assert_int_eq(phase_from_string(phase_to_string((Phase) phase)), phase);
        ck_assert_str_eq(phase_to_string(PHASE_PREPARE), "prepare");
        ck_assert_str_eq(phase_to_string(PHASE_FINISH), "finish");
        ck_assert_ptr_null(phase_to_string(_PHASE_MAX));
        ck_assert_ptr_null(phase_to_string((Phase) -1));
        ck_assert_int_eq(phase_from_string("lunch"), -EINVAL);
        ck_assert_int_eq(phase_from_string(""), -EINVAL);
        ck_assert_int_eq(phase_from_string(NULL), -EINVAL);
}
END_TEST

START_TEST(clocks) {
        ClockSample since = clock_sample(), later;
        uint64_t last = tsc_now(), hz, again, zero, expected;

        for (unsigned i = 0; i < 10000; i++) {
                uint64_t now = tsc_now();

                ck_assert_uint_ge(now, last);
                last = now;
        }
        usleep(50000);
        hz = clock_tsc_hz(since);
        again = clock_tsc_hz(clock_sample());
        ck_assert_uint_gt(hz, 1000000);
        ck_assert_uint_lt(hz > again ? hz - again : again - hz, hz / 100);

        later = clock_sample();
        ck_assert_uint_gt(later.tsc, since.tsc);
        ck_assert_uint_gt(later.raw_nsec, since.raw_nsec);

        zero = clock_zero_tsc(hz);
        expected = later.tsc - scale_u64(later.raw_nsec, hz, 1000000000);
        ck_assert_uint_lt(zero, later.tsc);
        ck_assert_uint_lt(zero > expected ? zero - expected : expected - zero, hz / 10);
}
END_TEST

START_TEST(arithmetic_at_its_ends) {
        StampScale scale = { .tsc = 5000, .stamp_usec = 10, .tsc_hz = 1000000000 };

        ck_assert_uint_eq(scale_u64(3, 1, 2), 2);
        ck_assert_uint_eq(scale_u64(UINT64_MAX, UINT64_MAX, UINT64_MAX), UINT64_MAX);
        ck_assert_uint_eq(scale_u64(UINT64_MAX, UINT64_MAX, 1), UINT64_MAX);
        ck_assert_uint_eq(scale_u64(1, 1, 0), 0);
        ck_assert_uint_eq(tsc_to_usec(3000000000, 3000000000), 1000000);
        ck_assert_uint_eq(tsc_to_usec(1, 0), 0);
        ck_assert_uint_eq(stamp_to_tsc(&scale, 10), 5000);
        ck_assert_uint_eq(stamp_to_tsc(&scale, 12), 7000);
        ck_assert_uint_eq(stamp_to_tsc(&scale, 9), 4000);
        ck_assert_uint_eq(stamp_to_tsc(&scale, 0), 0);
        ck_assert_uint_eq(stamp_to_tsc(&scale, UINT64_MAX), UINT64_MAX);
}
END_TEST

static uint64_t member(json_object *array, size_t i, const char *key) {
        uint64_t value = 0;

        ck_assert_int_eq(json_get_u64(json_object_array_get_idx(array, i), key, &value), 0);
        return value;
}

/* Whatever the phases and the clock: no gaps, and the blackout is the sum of its phases. */
START_TEST(phases_add_up) {
        srandom(20240719);
        for (unsigned round = 0; round < 2000; round++) {
                Timeline timeline = { .tsc_hz = 1000000 + (uint64_t) random() * 3 };
                uint64_t tsc = (uint64_t) random() + 1, blackout = 0, brownout = 0, next = 0;
                _cleanup_json_ json_object *array = NULL;
                bool paused = false, finished = false;

                for (int phase = 0; phase < _PHASE_MAX; phase++) {
                        tsc += (uint64_t) random() >> (random() % 31);
                        if (random() % 5 > 0)
                                timeline.start_tsc[phase] = tsc;
                }
                timeline.end_tsc = tsc + (uint64_t) random();

                array = timeline_phases_to_json(&timeline);
                ck_assert_ptr_nonnull(array);
                for (size_t i = 0; i < json_object_array_length(array); i++) {
                        uint64_t duration = member(array, i, "durationUSec");
                        const char *name = NULL;
                        int phase;

                        ck_assert_int_eq(json_get_string(json_object_array_get_idx(array, i), "name", &name),
                                        0);
                        phase = phase_from_string(name);
                        ck_assert_int_ge(phase, 0);
                        ck_assert_uint_eq(member(array, i, "startUSec"), next);
                        next += duration;
                        paused = paused || phase == PHASE_PAUSE;
                        finished = finished || phase == PHASE_FINISH;
                        if (paused && !finished)
                                blackout += duration;
                        if (phase < PHASE_PAUSE)
                                brownout += duration;
                }
                ck_assert_uint_eq(timeline_blackout_usec(&timeline), blackout);
                ck_assert_uint_eq(timeline_brownout_usec(&timeline), brownout);
        }
}
END_TEST

START_TEST(parts_of_a_timeline) {
        _cleanup_json_ json_object *none = NULL, *array = NULL;
        Timeline timeline = { .tsc_hz = 1000000 };

        none = timeline_phases_to_json(&timeline);
        ck_assert_uint_eq(json_object_array_length(none), 0);
        ck_assert_uint_eq(timeline_blackout_usec(&timeline), 0);
        ck_assert_uint_eq(timeline_brownout_usec(&timeline), 0);

        /* Given up before a pause */
        timeline.start_tsc[PHASE_PREPARE] = 100;
        timeline.start_tsc[PHASE_QUIESCE] = 150;
        timeline.end_tsc = 180;
        ck_assert_uint_eq(timeline_blackout_usec(&timeline), 0);
        ck_assert_uint_eq(timeline_brownout_usec(&timeline), 80);

        /* Given up within the blackout; the kernel's log put save before pause, and the end has not been
         * told */
        timeline.start_tsc[PHASE_PAUSE] = 200;
        timeline.start_tsc[PHASE_SAVE] = 199;
        timeline.start_tsc[PHASE_DRAIN] = 260;
        array = timeline_phases_to_json(&timeline);
        ck_assert_uint_eq(member(array, 2, "durationUSec"), 0);
        ck_assert_uint_eq(member(array, 3, "durationUSec"), 60);
        ck_assert_uint_eq(member(array, 4, "durationUSec"), 0);
        ck_assert_uint_eq(timeline_blackout_usec(&timeline), 60);
        ck_assert_uint_eq(timeline_brownout_usec(&timeline), 100);

        timeline_begin(&timeline, PHASE_FINISH);
        ck_assert_uint_eq(timeline.end_tsc, timeline.start_tsc[PHASE_FINISH]);
        ck_assert_uint_gt(timeline.end_tsc, 260);
}
END_TEST

START_TEST(to_the_manifest_and_back) {
        Timeline timeline = { .tsc_hz = 1995322000 }, back = { 0 };
        _cleanup_json_ json_object *o = NULL, *again = NULL;
        const char *text;

        timeline_begin(&timeline, PHASE_PREPARE);
        timeline_begin(&timeline, PHASE_PAUSE);
        timeline_begin(&timeline, PHASE_SEAL);
        o = timeline_to_json(&timeline);
        ck_assert_ptr_nonnull(o);
        text = json_object_to_json_string(o);
        ck_assert_int_eq(json_parse_object(text, strlen(text), &again), 0);
        ck_assert_int_eq(timeline_from_json(again, &back), 0);
        ck_assert_mem_eq(&timeline, &back, sizeof(back));
}
END_TEST

START_TEST(refuses_hostile_manifests) {
        static const char *const bad[] = {
                "{}",
                "{\"tscHz\":1000000000}",
                "{\"phases\":{}}",
                "{\"tscHz\":\"1000000000\",\"phases\":{}}",
                "{\"tscHz\":0,\"phases\":{}}",
                "{\"tscHz\":999,\"phases\":{}}",
                "{\"tscHz\":18446744073709551615,\"phases\":{}}",
                "{\"tscHz\":-1,\"phases\":{}}",
                "{\"tscHz\":1000000000,\"phases\":[]}",
                "{\"tscHz\":1000000000,\"phases\":{\"prepare\":0}}",
                "{\"tscHz\":1000000000,\"phases\":{\"prepare\":-1}}",
                "{\"tscHz\":1000000000,\"phases\":{\"prepare\":\"1\"}}",
                "{\"tscHz\":1000000000,\"phases\":{\"prepare\":1.5}}",
                "{\"tscHz\":1000000000,\"phases\":{\"prepare\":5,\"pause\":4}}",
        };
        static const char good[] =
                        "{\"tscHz\":1000000000,\"phases\":{\"prepare\":5,\"lunch\":{},\"pause\":5,"
                        "\"seal\":null,\"save\":18446744073709551615},\"more\":1}";
        _cleanup_json_ json_object *fine = NULL;
        Timeline timeline = { .tsc_hz = 7 };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                _cleanup_json_ json_object *o = NULL;

                ck_assert_int_eq(json_parse_object(bad[i], strlen(bad[i]), &o), 0);
                ck_assert_msg(timeline_from_json(o, &timeline) == -EBADMSG, "%s", bad[i]);
                ck_assert_uint_eq(timeline.tsc_hz, 7);
        }
        ck_assert_int_eq(timeline_from_json(NULL, &timeline), -EBADMSG);

        ck_assert_int_eq(json_parse_object(good, strlen(good), &fine), 0);
        ck_assert_int_eq(timeline_from_json(fine, &timeline), 0);
        ck_assert_uint_eq(timeline.start_tsc[PHASE_SAVE], UINT64_MAX);
        ck_assert_uint_eq(timeline_blackout_usec(&timeline), tsc_to_usec(UINT64_MAX - 5, 1000000000));
}
END_TEST

static void file_new(char *path, const char *text) {
        _cleanup_fd_ int fd = mkostemp(path, O_CLOEXEC);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write_full(fd, text, strlen(text)), 0);
}

static void assert_begins(const char *path, const char *expected) {
        _cleanup_free_ char *text = NULL;

        ck_assert_int_eq(read_file_at(AT_FDCWD, path, 64, &text, NULL), 0);
        ck_assert_msg(strncmp(text, expected, strlen(expected)) == 0, "%s", text);
}

START_TEST(trace_goes_on_and_off) {
        char debug[] = "/tmp/test-trace-XXXXXX", level[] = "/tmp/test-trace-XXXXXX";
        TraceFiles files = { debug, level };
        TraceState state = { 0 };

        file_new(debug, "N\n");
        file_new(level, "4\t4\t1\t7\n");
        ck_assert_int_eq(trace_shutdown_with(&files, false, &state), 0);
        assert_begins(debug, "N\n");

        ck_assert_int_eq(trace_shutdown_with(&files, true, &state), 0);
        ck_assert(state.is_on);
        assert_begins(debug, "Y\n");
        assert_begins(level, "7\n");
        ck_assert_int_eq(trace_shutdown_with(&files, false, &state), 0);
        ck_assert(!state.is_on);
        assert_begins(debug, "N\n");
        assert_begins(level, "4\n");

        /* More than enough before: left alone. */
        ck_assert_int_eq(write_file(level, "8\n"), 0);
        ck_assert_int_eq(trace_shutdown_with(&files, true, &state), 0);
        assert_begins(level, "8\n");
        ck_assert_int_eq(trace_shutdown_with(&files, false, &state), 0);
        assert_begins(level, "8\n");

        /* All or nothing */
        ck_assert_int_eq(truncate(level, 0), 0);
        ck_assert_int_eq(trace_shutdown_with(&files, true, &state), -EBADMSG);
        unlink(level);
        ck_assert_int_eq(trace_shutdown_with(&files, true, &state), -ENOENT);
        ck_assert(!state.is_on);
        assert_begins(debug, "N\n");
        ck_assert_int_eq(truncate(debug, 0), 0);
        ck_assert_int_eq(trace_shutdown_with(&files, true, &state), -EBADMSG);
        unlink(debug);
        ck_assert_int_eq(trace_shutdown_with(&files, true, &state), -ENOENT);
}
END_TEST

UNIT_MAIN("timeline", names_of_phases, clocks, arithmetic_at_its_ends, phases_add_up, parts_of_a_timeline,
                to_the_manifest_and_back, refuses_hostile_manifests, trace_goes_on_and_off)
