/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The end of a package manager's transaction. A kernel's hook runs in the middle of one: its initrd may not be built
 * yet, and more kernels may follow. */

#include <stdint.h>

/* Waits until none of the package managers we know holds its lock below `root` ("" for the real one). Takes no lock, so
 * that it is in nobody's way. -ETIMEDOUT after `timeout_usec` in all; with any error *ret_lock is the path of the lock
 * (static, without the root). */
int transaction_wait(const char *root, uint64_t timeout_usec, const char **ret_lock);
