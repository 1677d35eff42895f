/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What of the running kernel stands in the way of a kexec, as findings (basic/finding.h) for `check`. */

#include <json-c/json.h>

#include "kexec/kexec.h"

/* Adds one finding each, in any state, with ids:
 *   kexec-permitted  sysctls kexec_load_disabled, kexec_load_limit_reboot
 *   lockdown         lockdown mode, CONFIG_KEXEC_SIG: whether a kernel has to be signed
 *   ima              whether IMA's policy appraises or measures what a kexec loads
 *   crash-kernel     loaded or not: it is left alone, and is not there under the next kernel until that loads its own
 *   cma              with KHO off: whether CMA memory can hold the segments, so that the checksum is skipped
 *   checksum-skip    whether the running kernel has it, and what follows by `policy_requires`
 * `root` is "" for the real one. 0 or -ENOMEM. */
int kexec_host_findings(const char *root, bool policy_requires, json_object *findings);
