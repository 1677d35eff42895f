/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The settings of the running kernel as they were before anybody changed them by hand: read once under each kernel,
 * when the boot has had its time, and kept in the service manager's store for the successors of this process. Shared
 * with threads, so it counts its references and locks itself. */

#include <json-c/json.h>
#include <systemd/sd-event.h>

#include "host/settings.h"
#include "store/store.h"

typedef struct Baseline Baseline;

/* Takes that of a predecessor. Else it is read on a thread, BASELINE_USEC after the kernel's start: about 1,000 files
 * are not for a boot in a hurry, and what services set then by themselves is nobody's change by hand. */
#define BASELINE_USEC (30ULL * 1000 * 1000)
int baseline_new(sd_event *event, Inheritance *inheritance, Baseline **ret);
Baseline *baseline_ref(Baseline *baseline);
Baseline *baseline_unref(Baseline *baseline);
DEFINE_CLEANUP(Baseline *, baseline_unref)
/* From the event loop: whoever still has a reference does without the reading that is to come. */
void baseline_stop(Baseline *baseline);
/* From the event loop: in the store, as it is now, or what baseline_restore() changed before it is read. */
void baseline_keep(Baseline *baseline);

/* For threads. What is otherwise by now: settings_changed(). As long as it was not read nobody knows what was changed
 * by hand; then it is what baseline_restore() has changed, and *ret_is_read is false. */
int baseline_changed(Baseline *baseline, json_object **ret, bool *ret_is_read);
/* settings_restore(). What it changes counts in the baseline as it was before, also if that is read later. */
int baseline_restore(Baseline *baseline, json_object *wanted, SettingsPass pass, size_t *ret_n_changes,
                json_object *problems);
