/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which processors take the interrupts of PCI devices. Numbers of interrupts change with the kernel; a device's n-th
 * message interrupt does not. `root` is "" but in tests. */

#include <json-c/json.h>
#include <stddef.h>

/* [{"device": "0000:00:08.0", "driver", "vector": 2, "processors": "0-3,8"}] for each whose affinity is not the default
 * one (/proc/irq/default_smp_affinity), those that the kernel manages itself left out. NULL: no memory. */
json_object *irqs_capture(const char *root);

/* Sets what of `wanted` (hostile: -EBADMSG) is otherwise and whose device has the same driver as before. A device that
 * has fewer interrupts now, or none yet, counts in *ret_n_missing; what the kernel refuses is a sentence in
 * `problems`. */
int irqs_restore(const char *root, json_object *wanted, size_t *ret_n_changes, size_t *ret_n_missing,
                json_object *problems);
