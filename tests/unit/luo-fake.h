/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The kernel's sessions, played by the test (linked with -Wl,--wrap): any fd is one, and there is one at a time. What
 * is preserved in it can be retrieved from it. */

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/eventfd.h>

#include "basic/cleanup.h"

typedef struct Luo {
        int fds[19]; /* by token, 0: none */
        int preserve_error[19];
        unsigned n_preserved, n_retrieved, n_finished;
} Luo;

static Luo luo;

int __wrap_luo_session_create(int device_fd, const char *name);
int __wrap_luo_session_preserve(int session_fd, uint64_t token, int fd);
int __wrap_luo_session_retrieve_fd(int session_fd, uint64_t token);
int __wrap_luo_session_finish(int session_fd);

int __wrap_luo_session_create(int device_fd, const char *name) {
        return eventfd(0, EFD_CLOEXEC);
}

int __wrap_luo_session_preserve(int session_fd, uint64_t token, int fd) {
        if (luo.preserve_error[token] < 0)
                return luo.preserve_error[token];
        if (luo.fds[token] > 0)
                fd_close(luo.fds[token]);
        luo.fds[token] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        luo.n_preserved++;
        return 0;
}

int __wrap_luo_session_retrieve_fd(int session_fd, uint64_t token) {
        if (luo.fds[token] <= 0)
                return -ENOENT;
        luo.n_retrieved++;
        return fcntl(luo.fds[token], F_DUPFD_CLOEXEC, 3);
}

int __wrap_luo_session_finish(int session_fd) {
        luo.n_finished++;
        return 0;
}
