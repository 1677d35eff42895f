/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>

#include "basic/cleanup.h"
#include "basic/clock.h"
#include "basic/io.h"
#include "luo/device.h"
#include "luo/luo.h"

#define SETTLE_FIRST_USEC UINT64_C(250)
#define SETTLE_LAST_USEC UINT64_C(64000)

int luo_device_try_open(const char *path) {
        int fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY);

        if (fd >= 0)
                return fd;
        return errno == ENXIO || errno == ENODEV ? -ENOENT : -errno;
}

/* 1 if there was an event (all are taken out), 0 if not, or negative errno. */
static int watch_wait(int watch_fd, uint64_t usec) {
        struct timespec timeout = { .tv_sec = (time_t) (usec / 1000000),
                .tv_nsec = (long) (usec % 1000000) * 1000 };
        struct pollfd poll_fd = { .fd = watch_fd, .events = POLLIN };
        char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
        int r;

        r = ppoll(&poll_fd, 1, &timeout, NULL);
        if (r < 0)
                return errno == EINTR ? 0 : -errno;
        while (r > 0 && read(watch_fd, events, sizeof(events)) > 0)
                ;
        return r > 0;
}

/* The kernel tells of a close before it does it (fs/file_table.c:__fput() calls fsnotify_close() ahead of
 * luo_core.c:luo_release()), so the attempt that follows the news can still find the device busy, and no
 * further news comes. For a short while after it, therefore, attempts are made without any. */
int luo_device_open_wait(const char *path, LuoOpen try_open, uint64_t timeout_usec) {
        uint64_t now = now_usec(CLOCK_MONOTONIC), settle = 0;
        uint64_t deadline = timeout_usec > INT64_MAX - now ? INT64_MAX : now + timeout_usec;
        _cleanup_fd_ int watch_fd = -EBADF;
        int r;

        r = try_open(path);
        if (r != -EBUSY || timeout_usec == 0)
                return r;

        watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (watch_fd < 0 || inotify_add_watch(watch_fd, path, IN_CLOSE) < 0)
                return -errno;

        for (;;) {
                uint64_t rest;

                r = try_open(path);
                if (r != -EBUSY)
                        return r;

                now = now_usec(CLOCK_MONOTONIC);
                if (now >= deadline)
                        return -EBUSY;
                rest = deadline - now;

                r = watch_wait(watch_fd, settle > 0 && settle < rest ? settle : rest);
                if (r < 0)
                        return r;
                if (r > 0)
                        settle = SETTLE_FIRST_USEC;
                else
                        settle = settle < SETTLE_LAST_USEC ? settle * 2 : 0;
        }
}

int luo_device_open(uint64_t timeout_usec) {
        return luo_device_open_wait(LUO_DEVICE, luo_device_try_open, timeout_usec);
}

/* By the link's text: following it with stat() could hang on a dead network file system. */
static bool process_has_device(int proc_fd, const char *pid) {
        _cleanup_closedir_ DIR *dir = NULL;
        char path[32];
        int fd;

        snprintf(path, sizeof(path), "%.10s/fd", pid);
        fd = openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return false;
        dir = fdopendir(fd);
        if (!dir) {
                fd_close(fd);
                return false;
        }

        for (struct dirent *entry; (entry = readdir(dir));) {
                char target[sizeof(LUO_DEVICE) + 1];
                ssize_t n = readlinkat(fd, entry->d_name, target, sizeof(target));

                if (n == (ssize_t) strlen(LUO_DEVICE) && memcmp(target, LUO_DEVICE, (size_t) n) == 0)
                        return true;
        }
        return false;
}

int luo_device_holder(char comm[static 16]) {
        _cleanup_closedir_ DIR *proc = opendir("/proc");

        comm[0] = 0;
        if (!proc)
                return 0;

        for (struct dirent *entry; (entry = readdir(proc));) {
                _cleanup_free_ char *name = NULL;
                char path[32];

                if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
                                !process_has_device(dirfd(proc), entry->d_name))
                        continue;

                snprintf(path, sizeof(path), "%.10s/comm", entry->d_name);
                if (read_file_at(dirfd(proc), path, 256, &name, NULL) >= 0)
                        snprintf(comm, 16, "%.*s", (int) strcspn(name, "\n"), name);
                return atoi(entry->d_name);
        }
        return 0;
}
