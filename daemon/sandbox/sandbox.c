/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hostile files are taken apart in a child that can do nothing but read the file and answer on a pipe.
 * Whatever the file does to the parser, the daemon sees an answer of bounded size in bounded time, or an
 * error. */

#include <errno.h>
#include <fcntl.h>

#include "basic/cleanup.h"
#include "sandbox/child.h"
#include "sandbox/confine.h"
#include "sandbox/sandbox.h"

#define USEC_PER_SEC 1000000ULL

int sandbox_run(SandboxFunc func, int input_fd, void *userdata, size_t output_max, uint64_t timeout_usec,
                int *ret_status, char **ret_output, size_t *ret_output_size) {
        _cleanup_fd_ int read_end = -EBADF, write_end = -EBADF;
        uint64_t deadline_usec = deadline_after(timeout_usec);
        _cleanup_(child_killp) pid_t pid = 0;
        _cleanup_free_ char *output = NULL;
        int pipe_fds[2], status = 0, r;
        pid_t parent = getpid();
        size_t size = 0;

        if (output_max == SIZE_MAX)
                return -EINVAL;
        output = malloc(output_max + 1);
        if (!output)
                return -ENOMEM;

        if (pipe2(pipe_fds, O_CLOEXEC) < 0)
                return -errno;
        read_end = pipe_fds[0];
        write_end = pipe_fds[1];

        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0) {
                if (confine(input_fd, write_end, parent, timeout_usec / USEC_PER_SEC + 1) < 0)
                        _exit(CHILD_EXIT_UNCONFINED);
                _exit(func(CONFINED_INPUT_FD, CONFINED_OUTPUT_FD, userdata));
        }
        write_end = fd_close(write_end);

        r = child_read(read_end, output, output_max, deadline_usec, &size);
        if (r < 0)
                return r;
        r = child_wait(&pid, deadline_usec, &status);
        if (r < 0)
                return r;

        *ret_status = status;
        *ret_output = TAKE_PTR(output);
        *ret_output_size = size;
        return 0;
}
