/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>

#include "basic/cleanup.h"
#include "basic/clock.h"
#include "sandbox/child.h"

#define USEC_PER_SEC 1000000ULL

uint64_t deadline_after(uint64_t timeout_usec) {
        uint64_t now = now_usec(CLOCK_MONOTONIC);

        return timeout_usec < UINT64_MAX - now ? now + timeout_usec : UINT64_MAX;
}

void child_killp(pid_t *pid) {
        if (*pid <= 0)
                return;
        (void) kill(*pid, SIGKILL);
        while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
                ;
}

static int wait_readable(int fd, uint64_t deadline_usec) {
        for (;;) {
                struct pollfd pollfd = { .fd = fd, .events = POLLIN };
                uint64_t now = now_usec(CLOCK_MONOTONIC), left = now < deadline_usec ? deadline_usec - now : 0;
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

int child_read(int fd, char *buffer, size_t max, uint64_t deadline_usec, size_t *ret_size) {
        size_t size = 0;

        for (;;) {
                ssize_t n;
                int r;

                r = wait_readable(fd, deadline_usec);
                if (r < 0)
                        return r;
                /* One byte more than `max` tells too much from just enough. */
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

int child_wait(pid_t *pid, uint64_t deadline_usec, int *ret_status) {
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
        if (WEXITSTATUS(status) == CHILD_EXIT_UNCONFINED)
                return -EPROTO;
        *ret_status = WEXITSTATUS(status);
        return 0;
}

static int fill_attributes(posix_spawnattr_t *attributes) {
        sigset_t none, all;

        sigemptyset(&none);
        sigfillset(&all);
        if (posix_spawnattr_setsigmask(attributes, &none) != 0 || posix_spawnattr_setsigdefault(attributes, &all) != 0)
                return -EINVAL;
        return -posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

int child_spawn(const char *program, const char *argument, const char *variable,
                const posix_spawn_file_actions_t *actions, pid_t *ret) {
        char *arguments[] = { (char *) program, (char *) argument, NULL }, *environment[] = { (char *) variable, NULL };
        posix_spawnattr_t attributes;
        int r;

        r = -posix_spawnattr_init(&attributes);
        if (r < 0)
                return r;
        r = fill_attributes(&attributes);
        if (r >= 0)
                r = -posix_spawn(ret, program, actions, &attributes, arguments, environment);
        (void) posix_spawnattr_destroy(&attributes);
        return r;
}
