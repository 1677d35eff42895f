/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The wall clock across the jump. The new kernel has it from the RTC, to a second; the TSC, which runs on, tells how
 * long the jump took. Its rate is measured against CLOCK_MONOTONIC, which NTP disciplines, over all of the time since
 * `prepare` rather than over some milliseconds, so that an error of 1 µs in reading makes less than 1 µs for each
 * second of the jump. */

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct WallClock {
        uint64_t tsc;
        uint64_t realtime_nsec, monotonic_nsec; /* at that instant */
        uint64_t rate_hz_milli; /* ticks of the TSC in 1000 s of CLOCK_MONOTONIC; 0: not known yet */
        int tai_offset;         /* s; 0: nobody set it */
} WallClock;

/* Now, with the rate since `since` (NULL, or less than 100 ms ago: with none, or the one that `since` has). */
void wall_clock_take(const WallClock *since, WallClock *ret);

/* What CLOCK_REALTIME is when the TSC is `tsc`. 0: cannot be told. */
uint64_t wall_clock_at(const WallClock *clock, uint64_t tsc);

/* For the manifest, and back (-EBADMSG: what cannot be). */
json_object *wall_clock_to_json(const WallClock *clock);
int wall_clock_from_json(json_object *o, WallClock *ret);

/* Makes CLOCK_REALTIME what `clock` says it is now, by one step of the difference (adjtimex, ADJ_SETOFFSET), which is
 * answered; less than WALL_CLOCK_TOLERANCE_NSEC is left. Puts the TAI offset back if nobody has. Needs CAP_SYS_TIME.
 * How far off the RTC is does not matter; -ENODATA, -ERANGE: the TSC is not to be believed, and nothing is done. A leap
 * second in the jump is left to NTP. */
#define WALL_CLOCK_TOLERANCE_NSEC 50000 /* far below the millisecond that is promised */
int wall_clock_set(const WallClock *clock, int64_t *ret_step_nsec);
