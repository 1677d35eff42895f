/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* Runs `func(input_fd, output_fd, userdata)` in a forked child that has no other fd, no capabilities, no new
 * privileges, a seccomp filter that knows read, pread64, lseek, fstat (not newfstatat, which takes paths),
 * mmap, munmap, mremap, brk, write, exit and little else, no core dumps, and limits on memory and processor
 * time; reads what it writes, at most `output_max` bytes, NUL-terminated beyond that. `func` should do
 * without the heap. 0 and the child's exit status, for which `func` has 0 to 126; -ECHILD when a signal (the
 * filter's, a limit's) ended it; -ETIMEDOUT; -EFBIG; -EPROTO when the child could not be confined and `func`
 * was not called. Caller frees *ret_output. */
typedef int (*SandboxFunc)(int input_fd, int output_fd, void *userdata);

int sandbox_run(SandboxFunc func, int input_fd, void *userdata, size_t output_max, uint64_t timeout_usec,
                int *ret_status, char **ret_output, size_t *ret_output_size);
