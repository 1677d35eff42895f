/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Private to daemon/kexec and its tests. The running kernel's .config, if that is where distributions put it. */

#include <stdbool.h>

/* Copies it as text; caller frees. `root_fd` is the root directory's. -ENOENT: it is not there. */
int kernel_config_read(int root_fd, char **ret);

/* The value ("y", "4") of e.g. "CONFIG_KEXEC_SIG", "" if it is not set. Points into `config` and ends with its line.
 * */
const char *kernel_config_value(const char *config, const char *name);

bool kernel_config_has(const char *config, const char *name); /* "y" */
