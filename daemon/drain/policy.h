/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is to be done with which device before the jump. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drain/device.h"

typedef enum DevicePolicy {
        POLICY_KEEP,       /* left to the kernel's own shutdown */
        POLICY_QUIET,      /* its interfaces are taken down; then as master-off */
        POLICY_UNBIND,     /* its driver is unbound; then as master-off */
        POLICY_MASTER_OFF, /* bus mastering is cleared, pending transactions are waited for */
        POLICY_RESET,      /* its driver is unbound, unless it is VFIO's, and the function is reset; then as
                            * master-off */
        POLICY_PRESERVE,   /* its VFIO fd goes into a session; where the kernel does not take it, reset, or
                            * master-off if it cannot be reset alone */
        _POLICY_MAX,
} DevicePolicy;

const char *policy_to_string(DevicePolicy policy); /* "master-off" */
int policy_from_string(const char *name);          /* -EINVAL */

typedef enum PolicyMatch {
        MATCH_CLASS,   /* "class:02", "class:0108", "class:010802" */
        MATCH_DRIVER,  /* "driver:nvme" */
        MATCH_ADDRESS, /* "address:0000:00:02.0" */
} PolicyMatch;

typedef struct PolicyRule {
        PolicyMatch match;
        char what[40];
        DevicePolicy policy;
} PolicyRule;

#define POLICY_RULES_MAX 256U

/* One rule as liveupdated.conf has it: "driver:nvme=quiet". Upper-case digits of classes and addresses become lower
 * case, as in sysfs. -EINVAL for anything else. */
int policy_rule_parse(const char *text, PolicyRule *ret);
/* The same back; 0, or -ENOSPC. */
int policy_rule_format(const PolicyRule *rule, char *ret, size_t size);

typedef struct PolicyDecision {
        DevicePolicy policy;
        char origin[64];  /* "default", or the rule that decided */
        const char *note; /* why it is another one than the rule says; static, or NULL */
} PolicyDecision;

/* What is known beside the device itself. */
typedef struct PolicyFacts {
        bool is_locked;   /* configuration space can only be read (lockdown) */
        bool is_needed;   /* device_is_needed(), or it is not known */
        bool is_claimed;  /* a disk of it is part of something, mounted or not, or it is not known */
        bool is_newcomer; /* it came since the inventory: its interfaces are not known */
} PolicyFacts;

/* An address decides before a driver, a driver before a class, the longer class before the shorter, the later rule
 * before the earlier; then our own defaults. What cannot be done with this device, or would not come back as it was,
 * is replaced by what comes nearest, with a note. */
void policy_decide(const Device *device, const PolicyRule *rules, size_t n_rules, const PolicyFacts *facts,
                PolicyDecision *ret);
