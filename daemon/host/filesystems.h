/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The host's own file systems across the jump: what is on disk must be clean, since nobody unmounts anything. */

#include <stddef.h>

#include "basic/cleanup.h"

typedef struct FrozenFilesystems FrozenFilesystems;

/* Freezes every writable file system on a block device, the latest mounted first: what is in the page cache is
 * written and its journal is empty. One that cannot be frozen (no support in its driver) is synced and named in the
 * log. Until thawed, whoever writes to them blocks, so the caller must not. Negative errno: all are thawed again. */
int filesystems_freeze(FrozenFilesystems **ret);
/* Thaws all, in reverse. */
FrozenFilesystems *frozen_filesystems_thaw(FrozenFilesystems *frozen);
DEFINE_CLEANUP(FrozenFilesystems *, frozen_filesystems_thaw)

/* What a predecessor of this process froze and did not live to thaw. */
void filesystems_thaw_leftover(void);
