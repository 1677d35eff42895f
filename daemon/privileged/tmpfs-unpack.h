/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of tmpfs_unpack(). */

#include <archive.h>
#include <stdbool.h>
#include <sys/types.h>

/* "." or names with one '/' between them, none of them "." or "..", and TMPFS_DEPTH_MAX at most. */
bool unpacking_is_path(const char *path);

/* The contents of the archive's present entry, into a new file of that size. */
int unpacking_write(struct archive *archive, int fd, off_t size);
/* Whether the file (O_PATH will do) of that size has them. */
bool unpacking_is_contents(struct archive *archive, int fd, off_t size);
