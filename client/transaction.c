/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/pidfd.h>
#include <time.h>

#include "basic/cleanup.h"
#include "basic/clock.h"
#include "client/transaction.h"

typedef struct Lock {
        const char *path;
        bool is_file; /* held while it exists; else by a record lock on it */
} Lock;

static const Lock locks[] = {
        { "/var/lib/dpkg/lock-frontend",         false }, /* apt, for all that it does */
        { "/var/lib/dpkg/lock",                  false },
        { "/usr/lib/sysimage/rpm/.rpm.lock",     false },
        { "/var/lib/rpm/.rpm.lock",              false },
        { "/var/lib/pacman/db.lck",              true  },
};

/* Whether somebody keeps others from writing: 1 and who, as far as he can be named (else 0 or -1: he is in another
 * namespace, or it is a lock of an open file). A reader of rpm's database is in nobody's way. */
static int find_holder(const char *path, pid_t *ret) {
        struct flock query = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
        _cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY);

        if (fd < 0)
                return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
        if (fcntl(fd, F_GETLK, &query) < 0)
                return -errno;
        *ret = query.l_pid;
        return query.l_type != F_UNLCK;
}

static int is_held(const Lock *lock, const char *path, pid_t *ret_holder) {
        *ret_holder = 0;
        if (!lock->is_file)
                return find_holder(path, ret_holder);
        if (access(path, F_OK) >= 0)
                return 1;
        return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
}

/* 1 once something happened to the file, 0 once the holder has ended. */
static int wait_for_change(int watch, pid_t holder, uint64_t until_usec) {
        _cleanup_fd_ int pidfd = -EBADF;
        struct pollfd polled[] = { { watch, POLLIN, 0 }, { -1, POLLIN, 0 } };
        uint64_t now = now_usec(CLOCK_MONOTONIC), left;
        struct timespec timeout;
        int r;

        if (holder > 0) {
                pidfd = pidfd_open(holder, 0);
                if (pidfd < 0)
                        return errno == ESRCH ? 0 : -errno;
                polled[1].fd = pidfd;
        }
        left = until_usec > now ? until_usec - now : 0;
        timeout = (struct timespec) { (time_t) (left / 1000000), (long) (left % 1000000 * 1000) };
        do
                r = ppoll(polled, ELEMENTSOF(polled), &timeout, NULL);
        while (r < 0 && errno == EINTR);
        if (r < 0)
                return -errno;
        if (r == 0)
                return -ETIMEDOUT;
        return polled[1].revents == 0;
}

/* A record lock ends at the latest when its file is closed or its holder ends, a lock file when it is removed. The
 * watch is set before the lock is looked at, so that no change between the two is missed. 1 if it was held. */
static int wait_for_lock(const Lock *lock, const char *path, uint64_t until_usec) {
        bool was_held = false;
        pid_t ended = 0;

        for (;;) {
                _cleanup_fd_ int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
                pid_t holder;
                int r;

                if (watch < 0)
                        return -errno;
                if (inotify_add_watch(watch, path, IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF) < 0)
                        return errno == ENOENT || errno == ENOTDIR ? was_held : -errno;
                r = is_held(lock, path, &holder);
                if (r <= 0)
                        return r < 0 ? r : was_held;
                was_held = true;
                /* Whoever shares the table of files with one that ended holds his locks. */
                r = wait_for_change(watch, holder == ended ? 0 : holder, until_usec);
                if (r < 0)
                        return r;
                if (r == 0)
                        ended = holder;
        }
}

int transaction_wait(const char *root, uint64_t timeout_usec, const char **ret_lock) {
        uint64_t until_usec = now_usec(CLOCK_MONOTONIC) + timeout_usec;

        for (bool was_held = true; was_held;) {
                was_held = false;
                for (size_t i = 0; i < ELEMENTSOF(locks); i++) {
                        _cleanup_free_ char *path = NULL;
                        int r;

                        *ret_lock = locks[i].path;
                        if (asprintf(&path, "%s%s", root, locks[i].path) < 0) {
                                path = NULL;
                                return -ENOMEM;
                        }
                        r = wait_for_lock(&locks[i], path, until_usec);
                        if (r < 0)
                                return r;
                        was_held = was_held || r > 0;
                }
        }
        return 0;
}
