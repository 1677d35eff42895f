/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <time.h>

#include "basic/json.h"
#include "timeline/timeline.h"
#include "timeline/wall-clock-internal.h"
#include "unit.h"

#define SECOND UINT64_C(1000000000)
#define TIME (UINT64_C(1800000000) * SECOND) /* in 2027 */
#define TIME_2020 (UINT64_C(1577836800) * SECOND)
#define TIME_2200 (UINT64_C(7258118400) * SECOND)
#define RATE (UINT64_C(2500000000) * 1000) /* 2.5 GHz */

static const WallClock clock_before = { .tsc = 1000, .realtime_nsec = TIME, .monotonic_nsec = 5 * SECOND,
        .rate_hz_milli = RATE, .tai_offset = 37 };

START_TEST(takes_what_the_clocks_show) {
        WallClock first, second, third;
        struct timespec now;
        uint64_t realtime;

        wall_clock_take(NULL, &first);
        ck_assert_uint_eq(first.rate_hz_milli, 0);
        clock_gettime(CLOCK_REALTIME, &now);
        realtime = (uint64_t) now.tv_sec * SECOND + (uint64_t) now.tv_nsec;
        ck_assert_uint_le(first.realtime_nsec, realtime);
        ck_assert_uint_lt(realtime - first.realtime_nsec, SECOND);
        ck_assert_uint_le(first.tsc, tsc_now());

        wall_clock_take(&first, &second); /* too soon */
        ck_assert_uint_eq(second.rate_hz_milli, 0);
        nanosleep(&(struct timespec){ .tv_nsec = 150000000 }, NULL);
        wall_clock_take(&first, &third);
        ck_assert_uint_ne(third.rate_hz_milli, 0);
        /* What it says of itself, and of an instant later, is what the clock shows: to 1 ms, on a busy machine. */
        ck_assert_uint_eq(wall_clock_at(&third, third.tsc), third.realtime_nsec);
        nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
        wall_clock_take(&third, &second);
        ck_assert_uint_eq(second.rate_hz_milli, third.rate_hz_milli);
        ck_assert_int_lt(llabs((long long) (wall_clock_at(&third, second.tsc) - second.realtime_nsec)), 1000000);
}
END_TEST

START_TEST(measures_the_rate) {
        WallClock since = { .tsc = 1000, .monotonic_nsec = 5 * SECOND }, now = { .monotonic_nsec = 65 * SECOND };

        now.tsc = 1000 + 60 * UINT64_C(2500000123);
        ck_assert_uint_eq(wall_clock_rate(NULL, &now), 0);
        ck_assert_uint_eq(wall_clock_rate(&since, &now), UINT64_C(2500000123000));
        since.monotonic_nsec = now.monotonic_nsec - SECOND / 10 + 1;
        ck_assert_uint_eq(wall_clock_rate(&since, &now), 0);
        since.rate_hz_milli = RATE;
        ck_assert_uint_eq(wall_clock_rate(&since, &now), RATE);
        /* Impossible: the rate that was known before. */
        since.monotonic_nsec = 5 * SECOND;
        now.tsc = 1000 + 60 * UINT64_C(9000000);
        ck_assert_uint_eq(wall_clock_rate(&since, &now), RATE);
        now.tsc = UINT64_MAX;
        ck_assert_uint_eq(wall_clock_rate(&since, &now), RATE);
        now.tsc = 0;
        ck_assert_uint_eq(wall_clock_rate(&since, &now), RATE);
}
END_TEST

START_TEST(tells_the_time_at_an_instant) {
        WallClock clock = clock_before;

        ck_assert_uint_eq(wall_clock_at(&clock, 1000), TIME);
        ck_assert_uint_eq(wall_clock_at(&clock, 1000 + 10 * UINT64_C(2500000000)), TIME + 10 * SECOND);
        ck_assert_uint_eq(wall_clock_at(&clock, 1000 + 5), TIME + 2);
        ck_assert_uint_eq(wall_clock_at(&clock, 999), 0); /* another counter */
        ck_assert_uint_eq(wall_clock_at(&clock, UINT64_MAX), 0);
        clock.rate_hz_milli = 0;
        ck_assert_uint_eq(wall_clock_at(&clock, 2000), 0);
        clock.rate_hz_milli = 1;
        ck_assert_uint_eq(wall_clock_at(&clock, 2000), 0);
        clock.rate_hz_milli = UINT64_MAX;
        ck_assert_uint_eq(wall_clock_at(&clock, 2000), 0);
        clock.rate_hz_milli = RATE;
        clock.realtime_nsec = TIME_2020 - 1;
        ck_assert_uint_eq(wall_clock_at(&clock, 2000), 0);
        clock.realtime_nsec = TIME_2200 - 1;
        ck_assert_uint_eq(wall_clock_at(&clock, 1000), TIME_2200 - 1);
        ck_assert_uint_eq(wall_clock_at(&clock, 2000), 0);
}
END_TEST

START_TEST(tells_the_step) {
        WallClock now = { .tsc = 1000 + 10 * UINT64_C(2500000000) };
        WallClock unknown = {};
        int64_t step;

        now.realtime_nsec = TIME + 10 * SECOND - 700000000;
        ck_assert_int_eq(wall_clock_step(&clock_before, &now, &step), 0);
        ck_assert_int_eq(step, 700000000);
        now.realtime_nsec = TIME + 10 * SECOND + 300000000;
        ck_assert_int_eq(wall_clock_step(&clock_before, &now, &step), 0);
        ck_assert_int_eq(step, -300000000);
        now.realtime_nsec = TIME + 10 * SECOND + WALL_CLOCK_TOLERANCE_NSEC - 1;
        ck_assert_int_eq(wall_clock_step(&clock_before, &now, &step), 0);
        ck_assert_int_eq(step, 0);
        now.realtime_nsec = 0; /* no RTC */
        ck_assert_int_eq(wall_clock_step(&clock_before, &now, &step), 0);
        ck_assert_int_eq(step, (int64_t) (TIME + 10 * SECOND));
        now.monotonic_nsec = 8 * SECOND; /* the jump took 2 s */
        ck_assert_int_eq(wall_clock_step(&clock_before, &now, &step), 0);
        ck_assert_int_eq(wall_clock_step(&unknown, &now, &step), -ENODATA);
        now.realtime_nsec = UINT64_MAX;
        ck_assert_int_eq(wall_clock_step(&clock_before, &now, &step), -ENODATA);
}
END_TEST

START_TEST(believes_the_counter_within_reason) {
        WallClock now = { .tsc = 1000 + 1000 * UINT64_C(2500000000), .realtime_nsec = TIME };
        int64_t step = 0;

        now.monotonic_nsec = 1001 * SECOND; /* it stood still */
        ck_assert_int_eq(wall_clock_step(&clock_before, &now, &step), -ERANGE);
        now.monotonic_nsec = 399 * SECOND; /* it was set ahead */
        ck_assert_int_eq(wall_clock_step(&clock_before, &now, &step), -ERANGE);
        now.monotonic_nsec = 400 * SECOND;
        ck_assert_int_eq(wall_clock_step(&clock_before, &now, &step), 0);
        ck_assert_int_eq(step, (int64_t) (1000 * SECOND));
        now.monotonic_nsec = clock_before.monotonic_nsec + 1000 * SECOND; /* it is the same kernel */
        ck_assert_int_eq(wall_clock_step(&clock_before, &now, &step), 0);
        now.monotonic_nsec = 400 * SECOND;
        now.realtime_nsec = 0; /* whatever the RTC says */
        ck_assert_int_eq(wall_clock_step(&clock_before, &now, &step), 0);
        ck_assert_int_eq(step, (int64_t) (TIME + 1000 * SECOND));
}
END_TEST

START_TEST(makes_the_kernels_form_of_a_step) {
        static const struct {
                int64_t step;
                long sec, nsec;
        } cases[] = {
                { 1500000000, 1, 500000000 },
                { -300000000, -1, 700000000 },
                { -2000000000, -2, 0 },
                { -2000000001, -3, 999999999 },
                { 1, 0, 1 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct timex timex = wall_clock_step_to_timex(cases[i].step);

                ck_assert_uint_eq(timex.modes, ADJ_SETOFFSET | ADJ_NANO);
                ck_assert_int_eq(timex.time.tv_sec, cases[i].sec);
                ck_assert_int_eq(timex.time.tv_usec, cases[i].nsec);
        }
}
END_TEST

START_TEST(goes_through_the_manifest) {
        _cleanup_json_ json_object *o = wall_clock_to_json(&clock_before);
        WallClock clock;

        ck_assert_int_eq(wall_clock_from_json(o, &clock), 0);
        ck_assert_uint_eq(clock.tsc, clock_before.tsc);
        ck_assert_uint_eq(clock.realtime_nsec, clock_before.realtime_nsec);
        ck_assert_uint_eq(clock.monotonic_nsec, clock_before.monotonic_nsec);
        ck_assert_uint_eq(clock.rate_hz_milli, clock_before.rate_hz_milli);
        ck_assert_int_eq(clock.tai_offset, clock_before.tai_offset);
}
END_TEST

static void refuses(const char *key, json_object *value) {
        _cleanup_json_ json_object *o = wall_clock_to_json(&clock_before);
        WallClock clock = {};

        if (value)
                ck_assert_int_eq(json_add(o, key, value), 0);
        else
                json_object_object_del(o, key);
        ck_assert_int_eq(wall_clock_from_json(o, &clock), -EBADMSG);
        ck_assert_uint_eq(clock.realtime_nsec, 0);
}

START_TEST(refuses_what_cannot_be) {
        static const char *const keys[] = { "tsc", "realtimeNSec", "monotonicNSec", "rateMilliHz", "taiOffset" };

        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                refuses(keys[i], NULL);
                refuses(keys[i], json_object_new_string("1"));
                refuses(keys[i], json_object_new_int64(-1));
        }
        refuses("rateMilliHz", json_object_new_uint64(UINT64_C(9999999999)));
        refuses("rateMilliHz", json_object_new_uint64(UINT64_C(20000000000001)));
        refuses("realtimeNSec", json_object_new_uint64(TIME_2020 - 1));
        refuses("realtimeNSec", json_object_new_uint64(TIME_2200));
        refuses("realtimeNSec", json_object_new_uint64(UINT64_MAX));
        refuses("taiOffset", json_object_new_uint64(UINT64_MAX));
        ck_assert_int_eq(wall_clock_from_json(NULL, &(WallClock){}), -EBADMSG);
}
END_TEST

UNIT_MAIN("wall-clock", takes_what_the_clocks_show, measures_the_rate, tells_the_time_at_an_instant, tells_the_step,
        believes_the_counter_within_reason, makes_the_kernels_form_of_a_step, goes_through_the_manifest, refuses_what_cannot_be)
