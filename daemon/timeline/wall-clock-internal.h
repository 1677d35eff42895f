/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/timex.h>

#include "timeline/wall-clock.h"

/* What is measured between the two, or else is known already; 0: nothing. */
uint64_t wall_clock_rate(const WallClock *since, const WallClock *now);
/* What is to be added to the running clock, which is `now`; 0 within the tolerance. -ENODATA: cannot be told;
 * -ERANGE: the TSC was set to something else, or stood still, since the new kernel has counted more, or far less than
 * it tells. */
int wall_clock_step(const WallClock *clock, const WallClock *now, int64_t *ret_step_nsec);
struct timex wall_clock_step_to_timex(int64_t step_nsec);
