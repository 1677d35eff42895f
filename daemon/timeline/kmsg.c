/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "timeline/kmsg.h"
#include "timeline/timeline.h"

#define MARK_PREFIX "liveupdated: "
#define INIT_PREFIX "Run "
#define INIT_SUFFIX " as init process"

/* A decimal number up to `end`, which is stepped over. */
static int parse_field(const char **p, size_t *size, char end, uint64_t *ret) {
        uint64_t value = 0;
        size_t i = 0;

        for (; i < *size && isdigit((unsigned char) (*p)[i]); i++)
                if (__builtin_mul_overflow(value, 10, &value) ||
                                __builtin_add_overflow(value, (uint64_t) ((*p)[i] - '0'), &value))
                        return -EBADMSG;
        if (i == 0 || i == *size || (*p)[i] != end)
                return -EBADMSG;
        *p += i + 1;
        *size -= i + 1;
        *ret = value;
        return 0;
}

int kmsg_parse(const char *data, size_t size, KmsgRecord *ret) {
        uint64_t priority, sequence, stamp_usec;
        const char *p = data, *text, *newline;

        if (parse_field(&p, &size, ',', &priority) < 0 || parse_field(&p, &size, ',', &sequence) < 0 ||
                        parse_field(&p, &size, ',', &stamp_usec) < 0)
                return -EBADMSG;
        /* Flags, a caller, and whatever fields a later kernel adds. */
        text = memchr(p, ';', size);
        if (!text)
                return -EBADMSG;
        text++;
        size -= (size_t) (text - p);
        /* Lines of " KEY=value" about the device follow. */
        newline = memchr(text, '\n', size);

        *ret = (KmsgRecord){
                .is_from_kernel = LOG_FAC(priority) == 0,
                .stamp_usec = stamp_usec,
                .text = text,
                .size = newline ? (size_t) (newline - text) : size,
        };
        return 0;
}

bool kmsg_is_init_line(const KmsgRecord *record) {
        size_t prefix = strlen(INIT_PREFIX), suffix = strlen(INIT_SUFFIX);

        return record->is_from_kernel && record->size > prefix + suffix &&
                        memcmp(record->text, INIT_PREFIX, prefix) == 0 &&
                        memcmp(record->text + record->size - suffix, INIT_SUFFIX, suffix) == 0;
}

bool kmsg_is_mark(const char *text, size_t size, const char *token) {
        size_t prefix = strlen(MARK_PREFIX), token_size = strlen(token);

        return size == prefix + token_size && memcmp(text, MARK_PREFIX, prefix) == 0 &&
                        memcmp(text + prefix, token, token_size) == 0;
}

int kmsg_next(int fd, char buffer[static KMSG_RECORD_MAX], KmsgRecord *ret) {
        for (;;) {
                ssize_t n = read(fd, buffer, KMSG_RECORD_MAX);

                if (n < 0 && errno == EAGAIN)
                        return 0;
                /* EPIPE: overwritten before it was read, the next read goes on with what is left
                 * (kernel/printk/printk.c:devkmsg_read()). */
                if (n < 0 && errno != EPIPE && errno != EINTR)
                        return -errno;
                if (n == 0)
                        return 0;
                if (n > 0 && kmsg_parse(buffer, (size_t) n, ret) >= 0)
                        return 1;
        }
}

int kmsg_mark(int fd, int level, const char *token, uint64_t *ret_tsc) {
        char line[sizeof("<255>" MARK_PREFIX "\n") + KMSG_TOKEN_MAX];
        size_t token_size = strlen(token);
        uint64_t tsc;
        ssize_t n;
        int size;

        if (token_size == 0 || token_size > KMSG_TOKEN_MAX)
                return -EINVAL;
        for (size_t i = 0; i < token_size; i++)
                if (!isgraph((unsigned char) token[i]) || token[i] == '\\')
                        return -EINVAL;
        size = snprintf(line, sizeof(line), "<%i>" MARK_PREFIX "%s\n", LOG_DAEMON | level, token);

        /* The kernel takes the stamp first of all (kernel/printk/printk.c:vprintk_store()), but may write
         * the line to a slow serial console before write() returns: the moment is before the call, not in
         * the middle of it. */
        tsc = tsc_now();
        n = write(fd, line, (size_t) size);
        if (n < 0)
                return -errno;
        *ret_tsc = tsc;
        return 0;
}
