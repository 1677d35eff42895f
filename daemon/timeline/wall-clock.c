/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <sys/timex.h>
#include <time.h>

#include "basic/json.h"
#include "timeline/ticks.h"
#include "timeline/timeline.h"
#include "timeline/wall-clock-internal.h"

#define NSEC_PER_SEC INT64_C(1000000000)
#define RATE_NSEC (1000 * (uint64_t) NSEC_PER_SEC) /* that a rate tells the ticks of */
#define RATE_MIN (UINT64_C(10000000) * 1000)       /* 10 MHz */
#define RATE_MAX (UINT64_C(20000000000) * 1000)    /* 20 GHz */
#define SPAN_MIN_NSEC (100 * UINT64_C(1000000))
#define JUMP_MAX_NSEC (24 * 3600 * (uint64_t) NSEC_PER_SEC) /* or it is another counter */
#define BETWEEN_MAX_NSEC (600 * (uint64_t) NSEC_PER_SEC) /* from one kernel's clock to the next one's */
#define TIME_MIN_NSEC (UINT64_C(1577836800) * (uint64_t) NSEC_PER_SEC) /* 2020 */
#define TIME_MAX_NSEC (UINT64_C(7258118400) * (uint64_t) NSEC_PER_SEC) /* 2200 */
#define TAI_OFFSET_MAX 1000

static bool is_rate(uint64_t rate_hz_milli) {
        return rate_hz_milli >= RATE_MIN && rate_hz_milli <= RATE_MAX;
}

static bool is_time(uint64_t realtime_nsec) {
        return realtime_nsec >= TIME_MIN_NSEC && realtime_nsec < TIME_MAX_NSEC;
}

static uint64_t nsec_now(clockid_t clock) {
        struct timespec now = {};

        (void) clock_gettime(clock, &now);
        return (uint64_t) now.tv_sec * (uint64_t) NSEC_PER_SEC + (uint64_t) now.tv_nsec;
}

static void read_clocks(uint64_t values[2]) {
        values[0] = nsec_now(CLOCK_REALTIME);
        values[1] = nsec_now(CLOCK_MONOTONIC);
}

uint64_t wall_clock_rate(const WallClock *since, const WallClock *now) {
        uint64_t rate;

        if (!since)
                return 0;
        if (now->tsc < since->tsc || now->monotonic_nsec < since->monotonic_nsec ||
                        now->monotonic_nsec - since->monotonic_nsec < SPAN_MIN_NSEC)
                return since->rate_hz_milli;
        rate = scale_u64(now->tsc - since->tsc, RATE_NSEC, now->monotonic_nsec - since->monotonic_nsec);
        return is_rate(rate) ? rate : since->rate_hz_milli;
}

/* adjtimex(2) tells it, too, but the daemon's sandbox is without. */
static int tai_offset_now(void) {
        uint64_t realtime = nsec_now(CLOCK_REALTIME), tai = nsec_now(CLOCK_TAI), offset;

        offset = tai > realtime ? scale_u64(tai - realtime, 1, (uint64_t) NSEC_PER_SEC) : 0;
        return offset <= TAI_OFFSET_MAX ? (int) offset : 0;
}

void wall_clock_take(const WallClock *since, WallClock *ret) {
        uint64_t values[2] = {};
        WallClock now = { .tsc = clock_read_beside(read_clocks, values) };

        now.realtime_nsec = values[0];
        now.monotonic_nsec = values[1];
        now.rate_hz_milli = wall_clock_rate(since, &now);
        now.tai_offset = tai_offset_now();
        *ret = now;
}

uint64_t wall_clock_at(const WallClock *clock, uint64_t tsc) {
        uint64_t elapsed;

        if (!is_rate(clock->rate_hz_milli) || !is_time(clock->realtime_nsec) || tsc < clock->tsc)
                return 0;
        elapsed = scale_u64(tsc - clock->tsc, RATE_NSEC, clock->rate_hz_milli);
        if (elapsed > JUMP_MAX_NSEC || !is_time(clock->realtime_nsec + elapsed))
                return 0;
        return clock->realtime_nsec + elapsed;
}

json_object *wall_clock_to_json(const WallClock *clock) {
        _cleanup_json_ json_object *o = json_object_new_object();

        if (!o || json_add_u64(o, "tsc", clock->tsc) < 0 || json_add_u64(o, "realtimeNSec", clock->realtime_nsec) < 0 ||
                        json_add_u64(o, "monotonicNSec", clock->monotonic_nsec) < 0 ||
                        json_add_u64(o, "rateMilliHz", clock->rate_hz_milli) < 0 ||
                        json_add_u64(o, "taiOffset", (uint64_t) clock->tai_offset) < 0)
                return NULL;
        return TAKE_PTR(o);
}

int wall_clock_from_json(json_object *o, WallClock *ret) {
        WallClock clock = {};
        uint64_t tai_offset;

        if (json_get_u64(o, "tsc", &clock.tsc) < 0 || json_get_u64(o, "realtimeNSec", &clock.realtime_nsec) < 0 ||
                        json_get_u64(o, "monotonicNSec", &clock.monotonic_nsec) < 0 ||
                        json_get_u64(o, "rateMilliHz", &clock.rate_hz_milli) < 0 ||
                        json_get_u64(o, "taiOffset", &tai_offset) < 0)
                return -EBADMSG;
        if (!is_time(clock.realtime_nsec) || tai_offset > TAI_OFFSET_MAX ||
                        (clock.rate_hz_milli != 0 && !is_rate(clock.rate_hz_milli)))
                return -EBADMSG;
        clock.tai_offset = (int) tai_offset;
        *ret = clock;
        return 0;
}

/* Of what the TSC says has passed, the most is what the new kernel's own clock has counted, and the rest is the jump;
 * or it is the same kernel still. It is not held against the RTC, which may be years off, or in local time. */
static bool is_plausible(const WallClock *clock, const WallClock *now, uint64_t elapsed_nsec) {
        uint64_t counted = now->monotonic_nsec;

        if (counted >= clock->monotonic_nsec) {
                uint64_t since = counted - clock->monotonic_nsec;

                if (elapsed_nsec <= since + NSEC_PER_SEC && since <= elapsed_nsec + NSEC_PER_SEC)
                        return true;
        }
        return elapsed_nsec >= counted && elapsed_nsec - counted <= BETWEEN_MAX_NSEC;
}

int wall_clock_step(const WallClock *clock, const WallClock *now, int64_t *ret_step_nsec) {
        uint64_t right = wall_clock_at(clock, now->tsc);
        int64_t step;

        if (right == 0 || now->realtime_nsec > INT64_MAX)
                return -ENODATA;
        if (!is_plausible(clock, now, right - clock->realtime_nsec))
                return -ERANGE;
        step = (int64_t) right - (int64_t) now->realtime_nsec;
        *ret_step_nsec = step > -WALL_CLOCK_TOLERANCE_NSEC && step < WALL_CLOCK_TOLERANCE_NSEC ? 0 : step;
        return 0;
}

struct timex wall_clock_step_to_timex(int64_t step_nsec) {
        struct timex timex = { .modes = ADJ_SETOFFSET | ADJ_NANO };

        /* timekeeping_validate_timex(): the nanoseconds are never negative, the seconds may be. */
        timex.time.tv_sec = step_nsec / NSEC_PER_SEC;
        timex.time.tv_usec = step_nsec % NSEC_PER_SEC;
        if (timex.time.tv_usec < 0) {
                timex.time.tv_sec--;
                timex.time.tv_usec += NSEC_PER_SEC;
        }
        return timex;
}

int wall_clock_set(const WallClock *clock, int64_t *ret_step_nsec) {
        struct timex tai = { .modes = ADJ_TAI, .constant = clock->tai_offset };
        struct timex timex;
        int64_t step_nsec;
        WallClock now;
        int r;

        wall_clock_take(NULL, &now);
        r = wall_clock_step(clock, &now, &step_nsec);
        if (r < 0)
                return r;
        timex = wall_clock_step_to_timex(step_nsec);
        if (step_nsec != 0 && adjtimex(&timex) < 0)
                return -errno;
        if (now.tai_offset == 0 && clock->tai_offset > 0 && adjtimex(&tai) < 0)
                return -errno;
        *ret_step_nsec = step_nsec;
        return 0;
}
