/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether what we loaded is what is loaded still. The kernel tells nobody who loads a kernel, and its debug messages
 * are silent on kexec_load(2) and on unloading; but it counts. With a limit in the sysctl
 * kernel.kexec_load_limit_reboot every kexec_load(2) and kexec_file_load(2) takes one off, be it to load or to
 * unload, and whatever becomes of it; those for a crash kernel have a limit of their own
 * (kernel/kexec_core.c:kexec_load_permitted(), since Linux 6.3). So our first load gives a kernel without a limit one
 * of 2147483647. That stays until the next boot, since limits only go down, and keeps nobody from anything.
 *
 * Without this sysctl nothing is noticed but an unload. A call that fails is noticed, though it changes nothing: the
 * count does not tell the two apart. */

#include <stdint.h>

#include "kexec/kexec.h"

typedef enum KexecLoaded {
        KEXEC_LOADED_OURS,     /* nobody called kexec since */
        KEXEC_LOADED_OTHER,    /* somebody did, and a kernel is loaded: it may be another */
        KEXEC_LOADED_NOTHING,  /* somebody unloaded it */
        KEXEC_LOADED_UNKNOWN,  /* one is loaded, but this kernel does not count */
} KexecLoaded;

/* `staged` is what kexec_load() answered, maybe in an earlier process of this daemon; `root` is "" for the real one. */
KexecLoaded kexec_loaded_since(const char *root, const KexecLoadResult *staged);

/* A load of our own failed, so that what was staged before is loaded still; but the kernel counted. */
void kexec_loaded_follow(KexecLoadResult *staged, const KexecLoadResult *failed);

/* For kexec_load(): how many calls are left; `begin` has them counted from now on. KEXEC_CALLS_UNKNOWN: none are. */
uint64_t kexec_calls_left(const char *root, bool begin);
