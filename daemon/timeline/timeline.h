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
/* Where this kernel's clock had its zero. */
uint64_t clock_zero_tsc(uint64_t tsc_hz);
uint64_t tsc_to_usec(uint64_t ticks, uint64_t tsc_hz);

/* kernel_log.c: stamps of the kernel's log (printk's own clock, local_clock()) on the TSC. */

/* Writes a line with `token` into the kernel's log and answers the TSC at that moment; 0 or negative errno. */
int kernel_log_mark(const char *token, uint64_t *ret_tsc);

/* In the running kernel's log (/dev/kmsg): the TSC of "Run … as init process" (init/main.c:run_init_process()), by
 * means of a mark. -ENOENT where the line has gone. */
int kernel_log_init_tsc(uint64_t tsc_hz, uint64_t *ret);

/* The log the previous kernel left in pstore (console-ramoops-*), mounted aside if need be. */
typedef struct ShutdownDevice {
        char *driver, *device;  /* "e1000e", "0000:00:02.0" */
        uint64_t start_tsc, end_tsc;
} ShutdownDevice;

typedef struct ShutdownLog {
        uint64_t mark_tsc;      /* as given */
        uint64_t last_line_tsc; /* "Starting new kernel" (kernel/kexec_core.c:kernel_kexec()) or whatever came last */
        ShutdownDevice *devices;
        size_t n_devices;
} ShutdownLog;

/* Finds the mark and what follows it. -ENOENT: no pstore, no record, or no mark in it. */
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
 * durations of the phases add up exactly: each is the difference of two rounded starts. */
json_object *timeline_phases_to_json(const Timeline *timeline);
uint64_t timeline_blackout_usec(const Timeline *timeline); /* pause to finish (or to where it ended); 0 if never paused */
uint64_t timeline_brownout_usec(const Timeline *timeline); /* prepare to pause */
/* For the manifest: {"tscHz", "phases": {"prepare": tsc, …}}, and back. -EBADMSG for what cannot be. */
json_object *timeline_to_json(const Timeline *timeline);
int timeline_from_json(json_object *o, Timeline *ret);
