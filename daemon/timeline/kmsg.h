/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Private to daemon/timeline and its tests: /dev/kmsg, one record a read
 * (Documentation/ABI/testing/dev-kmsg). */

#define KMSG_RECORD_MAX 8192 /* more than any kernel's PRINTK_MESSAGE_MAX; a read into less fails */
#define KMSG_TOKEN_MAX 64

typedef struct KmsgRecord {
        bool is_from_kernel; /* and not from a process: those cannot claim the kernel's facility */
        uint64_t stamp_usec;
        const char *text; /* within what was parsed; no NUL */
        size_t size;
} KmsgRecord;

/* Text of one record; -EBADMSG for anything else. */
int kmsg_parse(const char *data, size_t size, KmsgRecord *ret);
/* "Run … as init process" */
bool kmsg_is_init_line(const KmsgRecord *record);
/* The line of kernel_log_mark(). */
bool kmsg_is_mark(const char *text, size_t size, const char *token);

/* 1 with a record, 0 at the end of the log. Steps over records that were lost meanwhile. */
int kmsg_next(int fd, char buffer[static KMSG_RECORD_MAX], KmsgRecord *ret);
/* Answers the TSC at the moment the kernel stamps the line. -EINVAL for a token that would not come out as
 * it is. */
int kmsg_mark(int fd, int level, const char *token, uint64_t *ret_tsc);
