/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <systemd/sd-journal.h>

#include "basic/cleanup.h"
#include "basic/log.h"

static int log_max_level = LOG_INFO;

void log_set_max_level(int level) {
        log_max_level = level;
}

/* Or its child. A unit may spare itself the stream. */
static bool is_service(void) {
        const char *text = getenv("SYSTEMD_EXEC_PID");
        pid_t pid = text ? (pid_t) strtol(text, NULL, 10) : 0;

        return pid > 0 && (pid == getpid() || pid == getppid());
}

static int log_write(int level, const char *const *fields, const char *message) {
        struct iovec iov[24];
        char message_field[2048 + sizeof("MESSAGE=")], priority_field[sizeof("PRIORITY=7")];
        size_t n = 0;

        if (!getenv("JOURNAL_STREAM") && !is_service())
                return fprintf(stderr, "%s\n", message) < 0 ? -errno : 0;

        snprintf(message_field, sizeof(message_field), "MESSAGE=%s", message);
        snprintf(priority_field, sizeof(priority_field), "PRIORITY=%i", level);
        iov[n++] = (struct iovec) { message_field, strlen(message_field) };
        iov[n++] = (struct iovec) { priority_field, strlen(priority_field) };
        for (; fields && *fields && n < ELEMENTSOF(iov); fields++)
                iov[n++] = (struct iovec) { (char *) *fields, strlen(*fields) };

        return sd_journal_sendv(iov, (int) n);
}

int log_message(int level, int error, const char *file, int line, const char *format, ...) {
        char text[2048], file_field[256], line_field[32];
        va_list ap;

        if (level > log_max_level)
                return error;

        errno = error < 0 ? -error : 0;
        va_start(ap, format);
        vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);

        snprintf(file_field, sizeof(file_field), "CODE_FILE=%s", file);
        snprintf(line_field, sizeof(line_field), "CODE_LINE=%i", line);
        (void) log_write(level, (const char *const[]) { file_field, line_field, NULL }, text);
        return error;
}

int log_event(int level, sd_id128_t message_id, const char *const *fields, const char *format, ...) {
        char text[2048], id_field[sizeof("MESSAGE_ID=") + SD_ID128_STRING_MAX];
        const char *all[20] = { id_field };
        va_list ap;

        va_start(ap, format);
        vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);

        snprintf(id_field, sizeof(id_field), "MESSAGE_ID=" SD_ID128_FORMAT_STR, SD_ID128_FORMAT_VAL(message_id));
        for (size_t i = 1; fields && *fields && i < ELEMENTSOF(all) - 1; i++)
                all[i] = *fields++;
        return log_write(level, all, text);
}
