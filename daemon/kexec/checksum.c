/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "basic/cleanup.h"
#include "basic/io.h"
#include "basic/log.h"
#include "kexec/checksum.h"

#define CONTROL_BYTES_MAX \
        (32ULL << 20)         /* a distribution's kernel has some 4000 sites of 120 bytes, and modules */
#define RECORD_BYTES_MAX 8192 /* more than PRINTK_MESSAGE_MAX of kernel/printk/internal.h */
#define RECORDS_MAX 100000

#define SITE_FILE "kernel/kexec_file.c"

/* lib/dynamic_debug.c:dynamic_debug_init_control() makes both; /proc's is there without debugfs too. */
const char *const checksum_controls[] = {
        "/proc/dynamic_debug/control",
        "/sys/kernel/debug/dynamic_debug/control",
        NULL,
};

/* A kernel built in another folder may list its files by a path to the source:
 * lib/dynamic_debug.c:trim_prefix(). */
static bool path_is(const char *path, size_t length, const char *wanted) {
        size_t n = strlen(wanted);

        return length >= n && memcmp(path + length - n, wanted, n) == 0 &&
                        (length == n || path[length - n - 1] == '/');
}

static bool site_parse_line(const char *line, size_t length, ChecksumSite *ret) {
        _cleanup_free_ char *text = strndup(line, length);
        char path[sizeof(ret->path)], flags[32];
        const char *message;
        unsigned number;

        if (!text || sscanf(text, "%127[^: ]:%u [%*[^]]]%*s =%31s \"", path, &number, flags) != 3)
                return false;
        message = strchr(text, '"');
        if (!path_is(path, strlen(path), SITE_FILE) || !message ||
                        strncmp(message + 1, CHECKSUM_MESSAGE, strlen(CHECKSUM_MESSAGE)) != 0)
                return false;

        memcpy(ret->path, path, sizeof(path));
        ret->line = number;
        ret->is_printing = strchr(flags, 'p');
        return true;
}

ChecksumSkip checksum_site_parse(const char *list, ChecksumSite *ret) {
        bool has_kernel_proper = false;

        for (const char *line = list; *line;) {
                size_t length = strcspn(line, "\n"), path_length = strcspn(line, ": \n");

                if (path_is(line, path_length, SITE_FILE) && site_parse_line(line, length, ret))
                        return CHECKSUM_SKIP_PROVEN;
                if (strncmp(line, "kernel/", 7) == 0 || strncmp(line, "mm/", 3) == 0 ||
                                strncmp(line, "init/", 5) == 0)
                        has_kernel_proper = true;
                line += length + (line[length] == '\n');
        }
        return has_kernel_proper ? CHECKSUM_SKIP_ABSENT : CHECKSUM_SKIP_UNKNOWN;
}

/* "7,1234,5678901,-;text\n": priority with facility, see Documentation/ABI/testing/dev-kmsg. User space can
 * write there too, but not as facility 0: kernel/printk/printk.c:devkmsg_write(). */
bool checksum_record_matches(const char *record, size_t size) {
        const char *text = memchr(record, ';', size);
        const char *end = record + size;
        unsigned priority = 0;

        if (!text || *record < '0' || *record > '9')
                return false;
        for (const char *p = record; *p >= '0' && *p <= '9'; p++) {
                priority = priority * 10 + (unsigned) (*p - '0');
                if (priority > 7)
                        return false;
        }
        return memmem(text, (size_t) (end - text), CHECKSUM_MESSAGE, strlen(CHECKSUM_MESSAGE));
}

static int site_switch(const ChecksumWatch *watch, bool on) {
        char query[sizeof(watch->site.path) + 64];

        snprintf(query, sizeof(query), "file %s line %u %cp\n", watch->site.path, watch->site.line,
                        on ? '+' : '-');
        return write_file(watch->control, query);
}

static int control_read(ChecksumWatch *watch, const char *const *controls) {
        int error = -ENOENT;

        for (; *controls; controls++) {
                _cleanup_free_ char *list = NULL;
                int r = read_file_at(AT_FDCWD, *controls, CONTROL_BYTES_MAX, &list, NULL);

                if (r < 0) {
                        /* Not being allowed to says more than not being there. */
                        error = error == -ENOENT ? r : error;
                        continue;
                }
                watch->control = *controls;
                watch->site_state = checksum_site_parse(list, &watch->site);
                return 0;
        }
        return error;
}

ChecksumSkip checksum_skip_listed(const char *const *controls) {
        ChecksumWatch watch = CHECKSUM_WATCH_EMPTY;

        return control_read(&watch, controls) < 0 ? CHECKSUM_SKIP_UNKNOWN : watch.site_state;
}

static int watch_begin(ChecksumWatch *watch, const char *const *controls, const char *kmsg) {
        int r;

        r = control_read(watch, controls);
        if (r < 0 || watch->site_state != CHECKSUM_SKIP_PROVEN)
                return r;
        watch->kmsg_fd = open(kmsg, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        if (watch->kmsg_fd < 0)
                return -errno;
        if (lseek(watch->kmsg_fd, 0, SEEK_END) < 0)
                return -errno;
        if (watch->site.is_printing)
                return 0;
        r = site_switch(watch, true);
        watch->must_restore = r == 0;
        return r;
}

void checksum_watch_begin(ChecksumWatch *watch, const char *const *controls, const char *kmsg) {
        watch->error = watch_begin(watch, controls, kmsg);
}

/* 1 seen, 0 not, -EPIPE not but some records were lost: kernel/printk/printk.c:devkmsg_read(). */
static int records_search(int fd, char *ret_record, size_t record_size) {
        bool has_lost = false;

        for (unsigned i = 0; i < RECORDS_MAX; i++) {
                char record[RECORD_BYTES_MAX];
                ssize_t n = read(fd, record, sizeof(record));

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno == EPIPE) {
                        has_lost = true;
                        continue;
                }
                if (n < 0 && errno != EAGAIN)
                        return -errno;
                if (n <= 0)
                        return has_lost ? -EPIPE : 0;
                if (checksum_record_matches(record, (size_t) n)) {
                        const char *end = memchr(record, '\n', (size_t) n);

                        snprintf(ret_record, record_size, "%.*s", end ? (int) (end - record) : (int) n,
                                        record);
                        return 1;
                }
        }
        return -EPIPE;
}

ChecksumSkip checksum_watch_verdict(ChecksumWatch *watch, char *evidence, size_t evidence_size) {
        char record[160];
        int r;

        if (watch->error < 0) {
                errno = -watch->error;
                snprintf(evidence, evidence_size, "%s: %m",
                                watch->control ? "Whether this load used the checksum skip cannot be seen"
                                               : "The kernel's list of debug messages cannot be read");
                return CHECKSUM_SKIP_UNKNOWN;
        }
        if (watch->site_state == CHECKSUM_SKIP_ABSENT) {
                snprintf(evidence, evidence_size,
                                "The running kernel has no checksum skip: %s does not list its message",
                                watch->control);
                return CHECKSUM_SKIP_ABSENT;
        }
        if (watch->site_state == CHECKSUM_SKIP_UNKNOWN) {
                snprintf(evidence, evidence_size,
                                "%s lists nothing of the kernel proper, so the checksum skip cannot be seen",
                                watch->control);
                return CHECKSUM_SKIP_UNKNOWN;
        }

        r = records_search(watch->kmsg_fd, record, sizeof(record));
        if (r > 0) {
                snprintf(evidence, evidence_size, "The kernel said so during this load: %s", record);
                return CHECKSUM_SKIP_PROVEN;
        }
        if (r < 0) {
                errno = -r;
                snprintf(evidence, evidence_size,
                                "The kernel log could not be read to its end after the load: %m");
                return CHECKSUM_SKIP_UNKNOWN;
        }
        snprintf(evidence, evidence_size,
                        "The kernel has the checksum skip, but did not take it for this load: KHO is off "
                        "(kho=on), "
                        "and not every segment is in CMA memory");
        return CHECKSUM_SKIP_ABSENT;
}

void checksum_watch_end(ChecksumWatch *watch) {
        if (watch->must_restore) {
                int r = site_switch(watch, false);

                if (r < 0)
                        log_warning_errno(r, "Cannot switch off the debug message in %s again: %m",
                                        watch->control);
        }
        watch->must_restore = false;
        watch->kmsg_fd = fd_close(watch->kmsg_fd);
}
