/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where every millisecond went, on one clock across both kernels: the TSC, which runs on through a kexec. */

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "basic/cleanup.h"

typedef enum Phase {
        PHASE_PREPARE,
        PHASE_QUIESCE,
        PHASE_PAUSE, /* the blackout begins */
        PHASE_SAVE,
        PHASE_DRAIN,
        PHASE_SEAL,
        PHASE_SHUTDOWN,
        PHASE_JUMP,
        PHASE_BOOT,
        PHASE_USERSPACE,
        PHASE_RETRIEVE,
        PHASE_RESTORE,
        PHASE_RESUME,
        PHASE_FINISH, /* the blackout is over */
        _PHASE_MAX,
} Phase;

const char *phase_to_string(Phase phase);
int phase_from_string(const char *name); /* -EINVAL */

/* clock.c */

uint64_t tsc_now(void);

/* One instant on both clocks, read as closely together as the machine allows. CLOCK_MONOTONIC_RAW, since NTP does not
 * bend it. */
typedef struct ClockSample {
        uint64_t tsc;
        uint64_t raw_nsec;
} ClockSample;

ClockSample clock_sample(void);
/* Ticks of the TSC in a second, from two samples of one kernel; sleeps until they are at least 20 ms apart. */
uint64_t clock_tsc_hz(ClockSample since);
/* Where this kernel's CLOCK_MONOTONIC_RAW had its zero; 0 if that was before the TSC's own. Good to the error of
 * `tsc_hz` times the uptime (some µs per second after 20 ms of measuring), so ask soon after boot. See also
 * kernel_log_zero_tsc(). */
uint64_t clock_zero_tsc(uint64_t tsc_hz);
uint64_t tsc_to_usec(uint64_t ticks, uint64_t tsc_hz);

/* kernel_log.c: stamps of the kernel's log (printk's own clock, local_clock()) on the TSC. */

/* Writes a line with `token` (1 to 64 graphic characters) into the kernel's log and answers the TSC at that moment; 0
 * or negative errno. Reaches pstore only while timeline_trace_shutdown() is on. */
int kernel_log_mark(const char *token, uint64_t *ret_tsc);

/* In the running kernel's log (/dev/kmsg): the TSC of "Run … as init process" (init/main.c:run_init_process()), by
 * means of a mark. -ENOENT where the line has gone, -ENODATA where the kernel drops what processes write to it. */
int kernel_log_init_tsc(uint64_t tsc_hz, uint64_t *ret);
/* Where the log's stamps have their zero, by the same means and with the same errors: the moment the kernel took the
 * TSC for its clock (arch/x86/kernel/tsc.c:tsc_early_init(), or the later tsc_init() where the fast calibration fails,
 * as it does in QEMU after a kexec). clock_zero_tsc()'s clock begins between those two
 * (kernel/time/timekeeping.c:timekeeping_init()) and counts in jiffies, some of them lost, until fs_initcall. Both are
 * instants of this kernel, so the earlier one is the better bound for the end of the jump. */
int kernel_log_zero_tsc(uint64_t tsc_hz, uint64_t *ret);

/* trace.c: makes the kernel write a line for each device it shuts down, and lets such lines through to the consoles.
 * `on` fills in what was before, off puts exactly that back; off with nothing on does nothing. All or nothing on
 * failure. A slow serial console gets the lines too. */
typedef struct TraceState {
        bool is_on, initcall_debug;
        int console_level;
} TraceState;

int timeline_trace_shutdown(bool on, TraceState *state);

/* The log the previous kernel left in pstore (console-ramoops-*), mounted aside if need be. */
typedef struct ShutdownDevice {
        char *driver, *device;  /* "e1000e" (may be empty), "0000:00:02.0" */
        uint64_t start_tsc, end_tsc; /* until the next device's turn */
} ShutdownDevice;

typedef struct ShutdownLog {
        uint64_t mark_tsc;      /* as given */
        uint64_t last_line_tsc; /* "Starting new kernel" (kernel/kexec_core.c:kernel_kexec()) or what came after it */
        ShutdownDevice *devices;
        size_t n_devices;
} ShutdownLog;

/* Finds the mark and what follows it. -ENOENT: no pstore, no record, or no mark in it. To be called before
 * systemd-pstore.service moves the records away. */
int shutdown_log_read(const char *token, uint64_t mark_tsc, uint64_t tsc_hz, ShutdownLog **ret);
/* The parser by itself, for text from anywhere. */
int shutdown_log_parse(const char *text, size_t size, const char *token, uint64_t mark_tsc, uint64_t tsc_hz,
                ShutdownLog **ret);
ShutdownLog *shutdown_log_free(ShutdownLog *log);
DEFINE_CLEANUP(ShutdownLog *, shutdown_log_free)

/* timeline.c: when each phase began. Phases follow each other without gaps: one ends where the next begins. */

typedef struct Timeline {
        uint64_t tsc_hz;
        uint64_t start_tsc[_PHASE_MAX]; /* 0: not reached */
        uint64_t end_tsc;               /* of the last one reached */
} Timeline;

void timeline_begin(Timeline *timeline, Phase phase); /* now */
/* [{"name", "startUSec", "durationUSec"}], startUSec counted from the first phase reached. Rounded so that the
 * durations of the phases add up exactly: each is the difference of two rounded starts. NULL: out of memory. */
json_object *timeline_phases_to_json(const Timeline *timeline);
uint64_t timeline_blackout_usec(const Timeline *timeline); /* pause to finish (or to where it ended); 0 if never paused */
uint64_t timeline_brownout_usec(const Timeline *timeline); /* prepare to pause */
/* For the manifest: {"tscHz", "phases": {"prepare": tsc, …}}, and back. -EBADMSG for what cannot be:
 * missing members, instants that go backwards. Unknown phases are passed over. */
json_object *timeline_to_json(const Timeline *timeline);
int timeline_from_json(json_object *o, Timeline *ret);
