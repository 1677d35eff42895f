/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/* Private to daemon/timeline: arithmetic that neither overflows nor wraps, whatever a log or a manifest
 * says. */

/* a × b ÷ c, to the nearest; UINT64_MAX where it does not fit, 0 where c is 0. */
static inline uint64_t scale_u64(uint64_t a, uint64_t b, uint64_t c) {
        unsigned __int128 v;

        if (c == 0)
                return 0;
        v = ((unsigned __int128) a * b + c / 2) / c;
        return v > UINT64_MAX ? UINT64_MAX : (uint64_t) v;
}

/* One instant on the kernel log's clock and on the TSC. */
typedef struct StampScale {
        uint64_t tsc, stamp_usec, tsc_hz;
} StampScale;

static inline uint64_t stamp_to_tsc(const StampScale *scale, uint64_t stamp_usec) {
        uint64_t ticks;

        if (stamp_usec >= scale->stamp_usec) {
                ticks = scale_u64(stamp_usec - scale->stamp_usec, scale->tsc_hz, 1000000);
                return ticks > UINT64_MAX - scale->tsc ? UINT64_MAX : scale->tsc + ticks;
        }
        ticks = scale_u64(scale->stamp_usec - stamp_usec, scale->tsc_hz, 1000000);
        return ticks > scale->tsc ? 0 : scale->tsc - ticks;
}

/* clock.c: what clocks show, and the TSC at that instant, as closely together as the machine allows. */
uint64_t clock_read_beside(void (*read_clocks)(uint64_t values[2]), uint64_t ret[2]);
