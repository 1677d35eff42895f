/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Devices are made quiet before the jump, since the next kernel owns the memory they write to; and made as they were
 * when the jump is called off. */

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "basic/cleanup.h"
#include "drain/device.h"
#include "drain/policy.h"

typedef enum DrainRound {
        DRAIN_ROUND_EARLY, /* in quiesce: what nobody needs while workloads run */
        DRAIN_ROUND_LATE,  /* in drain: the rest */
        _DRAIN_ROUND_MAX,
} DrainRound;

typedef struct DrainOptions {
        const PolicyRule *rules; /* copied */
        size_t n_rules;
        uint64_t timeout_usec;   /* for each device; where its driver is unbound in the early round at least 30 s:
                                  * workloads run then, and drivers of real hardware take their time */
} DrainOptions;

typedef struct Drain Drain;

/* `error` is 0, or a negative errno with a sentence in `why` that names the device. */
typedef void (*DrainDoneFunc)(int error, const char *why, void *userdata);

/* Decides what is to be done with each device of `inventory` (taken, on failure too), and notes all that an undo
 * needs: bits, bindings, the network. Everything the rounds need is allocated and opened here. Blocks for
 * milliseconds. */
int drain_new(sd_event *event, Inventory *inventory, const DrainOptions *options, Drain **ret);
Drain *drain_free(Drain *drain); /* what was drained stays so, threads run on unheard */
DEFINE_CLEANUP(Drain *, drain_free)

/* What an undo needs, as a memfd (borrowed), for a successor of this process. Complete before the first round. */
int drain_state_fd(const Drain *drain);
/* Takes `fd`, on failure too. -EBADMSG: no such state; -EPROTONOSUPPORT: of a later version than ours; -ESTALE: of
 * another boot. What it answers can be undone, told of, and nothing else. */
int drain_inherit(sd_event *event, int fd, Drain **ret);

/* The next device held by VFIO whose policy is preserve, after `address` (NULL: the first); NULL: no more. */
const Device *drain_next_to_preserve(const Drain *drain, const char *address);
/* The kernel took its fd into a session. To be told before the rounds; who is not told of is reset. */
void drain_preserved(Drain *drain, const char *address);

/* Each device of the round on a thread of its own, virtual functions before their parents; once for each round. 0:
 * nothing is to be done, `done` will not be called; 1: it will be, from the event loop, when all are through. Who is
 * not quiet after the time limit is an error, and the others go on; who disappears is none. -EBUSY: another round is
 * on its way. */
int drain_round(Drain *drain, DrainRound round, DrainDoneFunc done, void *userdata);

/* By configuration space, as it is now: every PCI function but bridges and those with policy keep, or preserved, has
 * bus mastering off and nothing pending; those that came since the inventory, too, by the policy of their class,
 * driver or address. Under lockdown nobody can turn bus mastering off but the kernel in its shutdown, so that only
 * what is pending counts. 0, or -EBUSY and a sentence that names the others (caller frees; NULL if there is no
 * memory). */
int drain_verify(Drain *drain, char **ret_why);

/* Makes all that was drained in this round as it was, whatever part of it was done: idempotent. As of drain_round();
 * the first error is told, and everything is tried all the same. The time limit for each device is 30 s. A device that
 * is gone is an error that names it, and so is one whose draining still hangs in the kernel after that time; where it
 * ends before, the device is restored then. What a process held through VFIO and was reset is restored, with a problem
 * in drain_to_json(). A round that is on its way, whichever, is broken off: its `done` will not be called any more. The
 * later round is undone first, where both were begun. */
int drain_undo(Drain *drain, DrainRound round, DrainDoneFunc done, void *userdata);

/* [{"address", "policy", …}] as "devices" of report.schema.json, for the report and the manifest: bridges left out,
 * with what was done and how long it took as far as the rounds have come. "problems": why a device was unsafe, and what
 * of it is not as before after an undo. NULL: no memory. */
json_object *drain_to_json(const Drain *drain);

/* Borrowed; of an inherited one only what an undo needs. */
const Inventory *drain_inventory(const Drain *drain);

/* The members of a Device of io.liveupdate that depend on policies: "policy", "policyOrigin", "phase", "note". 0 or
 * -ENOMEM. */
int drain_describe(const Inventory *inventory, const Device *device, const DrainOptions *options, json_object *o);
