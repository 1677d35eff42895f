/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which versions of the handover's ABIs a kernel speaks. Both sides of an update must speak the same: a new kernel
 * does not read what an old one of another version left (kernel/liveupdate/kexec_handover.c:kho_populate(),
 * luo_core.c:luo_early_startup(), luo_file.c). */

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#define LUO_ABI_BYTES_MAX 47U /* LIVEUPDATE_HNDL_COMPAT_LENGTH - 1 of include/linux/kho/abi/luo.h */
#define LUO_ABI_HANDLERS_MAX 16U

typedef char LuoAbiName[LUO_ABI_BYTES_MAX + 1];

typedef struct LuoAbi {
        LuoAbiName kho, luo;                       /* "kho-v4"; "" unknown, or none */
        LuoAbiName handlers[LUO_ABI_HANDLERS_MAX]; /* of fds: "memfd-v2" */
        size_t n_handlers;
        bool knows_handlers; /* false: which handlers there are is not known */
} LuoAbi;

/* The running kernel's, from KHO's own trees in debugfs below `root`, mounted or not; handlers are not in there. What
 * cannot be found out is left empty. */
void luo_abi_of_running_kernel(const char *root, LuoAbi *ret);

/* From strings found in a kernel's image. Handlers are known by their names, so that one of a new kind is left out,
 * and so is one in a module, which is not in the image; memfd's is never a module. */
void luo_abi_from_strings(char *const *strings, size_t n_strings, LuoAbi *ret);

/* Findings kho-abi, luo-abi, fd-handlers. `staged` may be NULL: its image could not be looked into. 0 or -ENOMEM. */
int luo_abi_findings(const LuoAbi *running, const LuoAbi *staged, json_object *findings);
