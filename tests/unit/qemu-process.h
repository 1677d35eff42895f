/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For tests that talk to a real QEMU: where there is none they say so and pass. */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/cleanup.h"

/* $QEMU, so that other versions can be tried, or the distribution's. NULL where it is not installed. */
static inline const char *qemu_find(void) {
        const char *path = getenv("QEMU");

        if (!path)
                path = "/usr/bin/qemu-system-x86_64";
        if (access(path, X_OK) >= 0)
                return path;
        printf("# skipped: %s is not installed\n", path);
        return NULL;
}

/* The child keeps the given fds at the same numbers, and ends with its parent. */
static inline pid_t qemu_spawn(char **argv, const int *fds, size_t n_fds) {
        pid_t pid = fork();

        if (pid != 0)
                return pid;
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (size_t i = 0; i < n_fds; i++)
                if (fcntl(fds[i], F_SETFD, 0) < 0)
                        _exit(126);
        execv(argv[0], argv);
        _exit(127);
}
