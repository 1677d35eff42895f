/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* When the phases began that no process of ours saw: the jump, the boot, init. */

#include "basic/log.h"
#include "update/update-internal.h"

/* CLOCK_MONOTONIC and printk's clock do not begin at the same instant, and either can be the first. Both are of the new
 * kernel, so the earlier one bounds the jump better. This kernel's clock runs by its own measure of the TSC. */
static uint64_t boot_zero_tsc(Update *update) {
        uint64_t tsc_hz = clock_tsc_hz(update->began), log_zero, zero = clock_zero_tsc(tsc_hz);

        return kernel_log_zero_tsc(tsc_hz, &log_zero) >= 0 && log_zero < zero ? log_zero : zero;
}

/* The phases nobody of ours saw: from the logs of the two kernels and the new one's clock. Where a log is silent, the
 * phase before takes the time of the one that could not be told apart. */
void update_measure(Update *update) {
        Timeline *timeline = &update->manifest.timeline;
        uint64_t *start = timeline->start_tsc;
        int r;

        start[PHASE_BOOT] = boot_zero_tsc(update);
        start[PHASE_JUMP] = start[PHASE_BOOT];
        if (update->shutdown_log)
                start[PHASE_JUMP] = update->shutdown_log->last_line_tsc;

        start[PHASE_USERSPACE] = start[PHASE_RETRIEVE];
        r = kernel_log_init_tsc(timeline->tsc_hz, &start[PHASE_USERSPACE]);
        if (r < 0)
                log_warning_errno(r, "The kernel's log does not tell when init began, that counts as boot: %m");

        /* Two clocks and rounded stamps: what is impossible by a little is put right. */
        for (Phase phase = PHASE_JUMP; phase <= PHASE_USERSPACE; phase++) {
                if (start[phase] < start[phase - 1])
                        start[phase] = start[phase - 1];
                if (start[phase] > start[PHASE_RETRIEVE])
                        start[phase] = start[PHASE_RETRIEVE];
        }
}
