/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <syslog.h>

#include "timeline/kmsg.h"
#include "timeline/ticks.h"
#include "timeline/timeline.h"

int kernel_log_mark(const char *token, uint64_t *ret_tsc) {
        _cleanup_fd_ int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);

        if (fd < 0)
                return -errno;
        return kmsg_mark(fd, LOG_INFO, token, ret_tsc);
}

/* Marks the end of the log, then reads it from its start up to the mark. *ret_init_usec is left alone where
 * there is no such line. -ENODATA: the mark did not arrive (printk.devkmsg=ratelimit drops lines, which
 * write() does not tell). */
static int kernel_log_scan(uint64_t tsc_hz, StampScale *ret_scale, uint64_t *ret_init_usec) {
        char buffer[KMSG_RECORD_MAX], token[32];
        StampScale scale = { .tsc_hz = tsc_hz };
        uint64_t init_usec = *ret_init_usec;
        _cleanup_fd_ int fd = -EBADF;
        bool has_init = false;
        KmsgRecord record;
        int r;

        fd = open("/dev/kmsg", O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return -errno;
        snprintf(token, sizeof(token), "clock-%016" PRIx64, tsc_now());
        r = kmsg_mark(fd, LOG_DEBUG, token, &scale.tsc);
        if (r < 0)
                return r;

        while ((r = kmsg_next(fd, buffer, &record)) > 0) {
                if (!has_init && kmsg_is_init_line(&record)) {
                        has_init = true;
                        init_usec = record.stamp_usec;
                }
                if (kmsg_is_mark(record.text, record.size, token)) {
                        scale.stamp_usec = record.stamp_usec;
                        *ret_scale = scale;
                        *ret_init_usec = init_usec;
                        return 0;
                }
        }
        return r < 0 ? r : -ENODATA;
}

int kernel_log_init_tsc(uint64_t tsc_hz, uint64_t *ret) {
        uint64_t init_usec = UINT64_MAX;
        StampScale scale;
        int r;

        r = kernel_log_scan(tsc_hz, &scale, &init_usec);
        if (r < 0)
                return r;
        if (init_usec == UINT64_MAX)
                return -ENOENT;
        *ret = stamp_to_tsc(&scale, init_usec);
        return 0;
}

int kernel_log_zero_tsc(uint64_t tsc_hz, uint64_t *ret) {
        uint64_t init_usec = UINT64_MAX;
        StampScale scale;
        int r;

        r = kernel_log_scan(tsc_hz, &scale, &init_usec);
        if (r < 0)
                return r;
        *ret = stamp_to_tsc(&scale, 0);
        return 0;
}
