/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hostile files are taken apart in a child that can do nothing but read the file and answer on a pipe.
 * Whatever the file does to the parser, the daemon sees an answer of bounded size in bounded time, or an
 * error. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>

#include "basic/cleanup.h"
#include "sandbox/confine.h"
#include "sandbox/sandbox.h"

#define USEC_PER_SEC 1000000ULL
#define EXIT_UNCONFINED 127

static void child_killp(pid_t *pid) {
        if (*pid <= 0)
                return;
        (void) kill(*pid, SIGKILL);
        while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
                ;
}

static uint64_t now_usec(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * USEC_PER_SEC + (uint64_t) now.tv_nsec / 1000;
}

static int wait_readable(int fd, uint64_t deadline_usec) {
        for (;;) {
                struct pollfd pollfd = { .fd = fd, .events = POLLIN };
                uint64_t now = now_usec(), left = now < deadline_usec ? deadline_usec - now : 0;
                struct timespec timeout = {
                        .tv_sec = (time_t) (left / USEC_PER_SEC),
                        .tv_nsec = (long) (left % USEC_PER_SEC) * 1000,
                };
                int r = ppoll(&pollfd, 1, &timeout, NULL);

                if (r > 0)
                        return 0;
                if (r == 0)
                        return -ETIMEDOUT;
                if (errno != EINTR)
                        return -errno;
        }
}

/* `buffer` has room for one byte more than `max`, which tells too much from just enough. */
static int output_collect(int fd, char *buffer, size_t max, uint64_t deadline_usec, size_t *ret_size) {
        size_t size = 0;

        for (;;) {
                ssize_t n;
                int r;

                r = wait_readable(fd, deadline_usec);
                if (r < 0)
                        return r;
                n = read(fd, buffer + size, max + 1 - size);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                size += (size_t) n;
                if (size > max)
                        return -EFBIG;
        }

        buffer[size] = 0;
        *ret_size = size;
        return 0;
}

static int child_wait(pid_t *pid, uint64_t deadline_usec, int *ret_status) {
        _cleanup_fd_ int pidfd = -EBADF;
        int status, r;

        pidfd = pidfd_open(*pid, 0);
        if (pidfd < 0)
                return -errno;
        r = wait_readable(pidfd, deadline_usec);
        if (r < 0)
                return r;

        r = waitpid(*pid, &status, 0);
        *pid = 0;
        if (r < 0)
                return -errno;
        if (!WIFEXITED(status))
                return -ECHILD;
        if (WEXITSTATUS(status) == EXIT_UNCONFINED)
                return -EPROTO;
        *ret_status = WEXITSTATUS(status);
        return 0;
}

int sandbox_run(SandboxFunc func, int input_fd, void *userdata, size_t output_max, uint64_t timeout_usec,
                int *ret_status, char **ret_output, size_t *ret_output_size) {
        _cleanup_fd_ int read_end = -EBADF, write_end = -EBADF;
        _cleanup_(child_killp) pid_t pid = 0;
        _cleanup_free_ char *output = NULL;
        int pipe_fds[2], status = 0, r;
        uint64_t deadline_usec;
        pid_t parent = getpid();
        size_t size = 0;

        if (__builtin_add_overflow(now_usec(), timeout_usec, &deadline_usec))
                deadline_usec = UINT64_MAX;
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
                        _exit(EXIT_UNCONFINED);
                _exit(func(CONFINED_INPUT_FD, CONFINED_OUTPUT_FD, userdata));
        }
        write_end = fd_close(write_end);

        r = output_collect(read_end, output, output_max, deadline_usec, &size);
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
