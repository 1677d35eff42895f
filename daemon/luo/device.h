/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/* Private to daemon/luo and its tests. */

/* Answers a fd or negative errno. */
typedef int (*LuoOpen)(const char *path);

/* One attempt. A node without the device behind it is -ENOENT, as no node is. */
int luo_device_try_open(const char *path);

/* Attempts until one answers something else than -EBUSY or the time is over, each one when `path` was closed
 * by somebody. */
int luo_device_open_wait(const char *path, LuoOpen try_open, uint64_t timeout_usec);
