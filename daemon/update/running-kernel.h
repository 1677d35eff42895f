/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which ABIs of the handover the running kernel speaks. KHO's own trees tell of KHO and LUO; which fds it can hand
 * over is only in its image, if that is still where distributions put it. */

#include "luo/abi.h"

typedef struct RunningKernel {
        LuoAbi abi;
        bool is_known; /* looked for already; it does not change */
} RunningKernel;

/* Blocks, the first time. `root` is "" for the real one. */
const LuoAbi *running_kernel_abi(RunningKernel *running, const char *root);
