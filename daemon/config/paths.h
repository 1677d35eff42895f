/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* PreserveTmpfs=: a list of mount points. */

#include "config/settings.h"

/* Appends one, unless it is there already. 0, -EINVAL where `text` is no absolute, normalised path, or /run,
 * -ENOSPC where there are PRESERVE_TMPFS_MAX already, -ENOMEM. */
int paths_add(Config *config, const char *text);
void paths_clear(Config *config);

/* All of them with blanks between, "" where there is none. Caller frees; NULL for want of memory. */
char *paths_format(const Config *config);

/* What a path has to be, to follow "must be". */
void paths_describe(char ret[static SETTING_TEXT_MAX]);
