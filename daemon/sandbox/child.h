/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A child of which an answer of bounded size is wanted in bounded time. */

#include <stddef.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/types.h>

#define CHILD_EXIT_UNCONFINED 127 /* it could not give up its rights, and did not begin */

/* On CLOCK_MONOTONIC; never overflows. */
uint64_t deadline_after(uint64_t timeout_usec);

/* Kills and reaps, for _cleanup_(); nothing where there is none (0). */
void child_killp(pid_t *pid);

/* Reads to the end of `fd`. `buffer` has room for `max` bytes and a NUL. 0, -EFBIG, -ETIMEDOUT, a negative errno. */
int child_read(int fd, char *buffer, size_t max, uint64_t deadline_usec, size_t *ret_size);

/* 0 and its exit status, -ECHILD a signal ended it, -EPROTO it ended with CHILD_EXIT_UNCONFINED, -ETIMEDOUT (it still
 * runs), a negative errno. *pid becomes 0 with its end. */
int child_wait(pid_t *pid, uint64_t deadline_usec, int *ret_status);

/* Starts `program` with one argument, or NULL, one variable as its environment ("NAME=value"), or NULL, and what `actions`
 * say. It begins with no signal blocked or ignored, which is not so for the daemon's threads. */
int child_spawn(const char *program, const char *argument, const char *variable,
                const posix_spawn_file_actions_t *actions, pid_t *ret);
