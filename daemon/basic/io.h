/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* All answer 0 or a negative errno unless they say more. */

/* A new memfd (close-on-exec) of exactly `size` bytes that begins with `data` (may be NULL). */
int memfd_new_with(const char *name, const void *data, size_t size, int *ret_fd);

int write_full(int fd, const void *data, size_t size);

/* Copies `size` bytes at `offset` of `in` to the current position of `out`, in the kernel where it can.
 * -ENODATA if `in` ends before. */
int copy_range(int in, off_t offset, uint64_t size, int out);

/* Reads a whole file, at most `max` bytes (more: -EFBIG), NUL-terminated beyond its size. Works on /proc and
 * sysfs, whose files claim to be empty. Caller frees *ret. */
int read_file_at(int dir_fd, const char *path, size_t max, char **ret, size_t *ret_size);

/* The same for what `fd` refers to, whatever its position and access mode: it is opened anew through /proc. */
int read_fd(int fd, size_t max, char **ret, size_t *ret_size);

/* One write(2) to an existing file, as sysfs wants it. */
int write_file(const char *path, const char *text);


/* A regular file as a whole, in place of what `path` names: through PATH.new and rename(2). */
int write_file_atomic(const char *path, const char *text, mode_t mode);
