/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* When the boot is over: PID 1 has no more jobs of it, as systemd says (StartupFinished). */

#include <systemd/sd-event.h>

#include "basic/cleanup.h"

typedef struct BootWatch BootWatch;

/* Calls `over` once, from the event loop; where no systemd answers, or it goes away meanwhile, after BOOT_WAIT_USEC; and
 * after BOOT_LIMIT_USEC whatever PID 1 still has to do. */
#define BOOT_WAIT_USEC (30ULL * 1000 * 1000)
#define BOOT_LIMIT_USEC (10ULL * 60 * 1000 * 1000)
int boot_watch_new(sd_event *event, void (*over)(void *userdata), void *userdata, BootWatch **ret);
BootWatch *boot_watch_free(BootWatch *watch);
DEFINE_CLEANUP(BootWatch *, boot_watch_free)
