/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((__cleanup__(f)))

/* Defines `typep(T **p)` for use with _cleanup_() from `T *type_free(T *)`. */
#define DEFINE_CLEANUP(type, func)                                                                           \
        static inline void func##p(type *p) {                                                                \
                if (*p)                                                                                      \
                        func(*p);                                                                            \
        }

/* Hands the value over and leaves the empty one behind. */
#define TAKE(p, empty)                                                                                       \
        ({                                                                                                   \
                __typeof__(p) *_p = &(p);                                                                    \
                __typeof__(p) _v = *_p;                                                                      \
                *_p = (empty);                                                                               \
                _v;                                                                                          \
        })
#define TAKE_PTR(p) TAKE(p, NULL)
#define TAKE_FD(fd) TAKE(fd, -EBADF)

#define ELEMENTSOF(a) (sizeof(a) / sizeof((a)[0]))

/* Keeps errno as it was and always answers the empty fd, so that `fd = fd_close(fd)` reads well. */
static inline int fd_close(int fd) {
        if (fd >= 0) {
                int saved = errno;
                (void) close(fd);
                errno = saved;
        }
        return -EBADF;
}

static inline void fd_closep(int *fd) {
        *fd = fd_close(*fd);
}

static inline void freep(void *p) {
        free(*(void **) p);
}

DEFINE_CLEANUP(FILE *, fclose)
DEFINE_CLEANUP(DIR *, closedir)

#define _cleanup_free_ _cleanup_(freep)
#define _cleanup_fd_ _cleanup_(fd_closep)
#define _cleanup_fclose_ _cleanup_(fclosep)
#define _cleanup_closedir_ _cleanup_(closedirp)
