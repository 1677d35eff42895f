/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Private to daemon/kexec and its tests. */

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "kexec/fit.h"

/* Of KHO's scratch_phys and scratch_len: as kexec_scratch_areas(). */
int scratch_areas_parse(const char *starts, const char *sizes, KexecArea **ret, size_t *ret_n);

/* Each adds the finding of its name: 0 or -ENOMEM. */
int host_find_lockdown(const char *root, json_object *findings);
int host_find_ima(const char *root, json_object *findings);

typedef enum ImaHook {
        IMA_KERNEL,
        IMA_INITRD,
        IMA_COMMAND_LINE,
        _IMA_HOOK_MAX,
} ImaHook;

typedef struct ImaRule {
        const char *text; /* within the policy; NULL: no rule is for it */
        int length;
        bool takes_appended; /* of an appraisal: a signature appended to the file will do */
} ImaRule;

/* What IMA's policy says of a kexec (Documentation/ABI/testing/ima_policy). The first rule that is for a memfd of
 * root's counts, as in the kernel (security/integrity/ima/ima_policy.c:ima_match_policy()); where that depends on
 * what is not known here, one that asks for something is taken to be for it, one that exempts is not. */
typedef struct ImaPolicy {
        ImaRule appraise[_IMA_HOOK_MAX], measure[_IMA_HOOK_MAX];
} ImaPolicy;

void ima_policy_parse(const char *text, ImaPolicy *ret);
