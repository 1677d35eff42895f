/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Contents for liveupdate-inspect, and programs that play it badly. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "basic/io.h"
#include "inspect/inspect.h"
#include "temporary-root.h"
#include "unit.h"

static inline int file_of(const void *data, size_t size) {
        int fd = -EBADF;

        ck_assert_int_eq(memfd_new_with("contents", data, size, &fd), 0);
        return fd;
}

static inline size_t count_fds(void) {
        _cleanup_closedir_ DIR *directory = opendir("/proc/self/fd");
        size_t n = 0;

        while (readdir(directory))
                n++;
        return n;
}

/* What is run instead, below a TEMPORARY_ROOT(); `body` is shell. */
static inline void play(const char *body) {
        _cleanup_fd_ int fd = root_open("/inspect");

        ck_assert_int_gt(dprintf(fd, "#!/bin/sh\n%s\n", body), 0);
        ck_assert_int_eq(fchmod(fd, 0755), 0);
        ck_assert_int_eq(setenv("LIVEUPDATE_INSPECT", root_path("/inspect"), 1), 0);
}

/* Nothing may be left of a program, whatever became of it. */
static inline void assert_nothing_left(size_t n_fds) {
        ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
        ck_assert_int_eq(errno, ECHILD);
        ck_assert_uint_eq(count_fds(), n_fds);
}
