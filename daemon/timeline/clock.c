/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <time.h>

#include "timeline/ticks.h"
#include "timeline/timeline.h"

#ifndef __x86_64__
#error "the timeline needs a counter that runs on through a kexec; only the TSC of x86-64 is implemented so far"
#endif

#define NSEC_PER_SEC UINT64_C(1000000000)
#define CALIBRATION_NSEC (20 * UINT64_C(1000000))
#define SAMPLE_ATTEMPTS 16

/* The fences keep the read where the program has it: RDTSC may otherwise go ahead of what precedes it and
 * let what follows go ahead of itself. */
uint64_t tsc_now(void) {
        uint32_t low, high;

        __asm__ volatile("lfence; rdtsc; lfence" : "=a"(low), "=d"(high) : : "memory");
        return (uint64_t) high << 32 | low;
}

static uint64_t raw_nsec_now(void) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC_RAW, &now);
        return (uint64_t) now.tv_sec * NSEC_PER_SEC + (uint64_t) now.tv_nsec;
}

/* Of several attempts the one that was interrupted least. */
uint64_t clock_read_beside(void (*read_clocks)(uint64_t values[2]), uint64_t ret[2]) {
        uint64_t narrowest = UINT64_MAX, tsc = 0;

        for (unsigned i = 0; i < SAMPLE_ATTEMPTS; i++) {
                uint64_t values[2] = {}, before = tsc_now(), window;

                read_clocks(values);
                window = tsc_now() - before;
                if (window >= narrowest)
                        continue;
                narrowest = window;
                tsc = before + window / 2;
                ret[0] = values[0];
                ret[1] = values[1];
        }
        return tsc;
}

static void read_raw(uint64_t values[2]) {
        values[0] = raw_nsec_now();
}

ClockSample clock_sample(void) {
        uint64_t values[2] = {};
        uint64_t tsc = clock_read_beside(read_raw, values);

        return (ClockSample){ .tsc = tsc, .raw_nsec = values[0] };
}

uint64_t clock_tsc_hz(ClockSample since) {
        ClockSample now = clock_sample();

        while (now.raw_nsec - since.raw_nsec < CALIBRATION_NSEC) {
                uint64_t rest = CALIBRATION_NSEC - (now.raw_nsec - since.raw_nsec);

                (void) nanosleep(&(struct timespec){ .tv_nsec = (long) rest }, NULL);
                now = clock_sample();
        }
        return scale_u64(now.tsc - since.tsc, NSEC_PER_SEC, now.raw_nsec - since.raw_nsec);
}

uint64_t clock_zero_tsc(uint64_t tsc_hz) {
        ClockSample now = clock_sample();
        uint64_t ticks = scale_u64(now.raw_nsec, tsc_hz, NSEC_PER_SEC);

        return ticks > now.tsc ? 0 : now.tsc - ticks;
}

uint64_t tsc_to_usec(uint64_t ticks, uint64_t tsc_hz) {
        return scale_u64(ticks, 1000000, tsc_hz);
}
