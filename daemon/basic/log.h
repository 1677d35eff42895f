/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-id128.h>
#include <stdarg.h>
#include <syslog.h>

/* Goes to the journal, with fields, where stderr is connected to it ($JOURNAL_STREAM), and from a service of systemd's
 * ($SYSTEMD_EXEC_PID); else to stderr as text. */

void log_set_max_level(int level); /* LOG_INFO unless told */

/* `error` is 0 or a negative errno; %m in the format stands for its text. Answers `error`, so that
 * `return log_error_errno(r, …)` reads well. */
int log_message(int level, int error, const char *file, int line, const char *format, ...)
                __attribute__((format(printf, 5, 6)));

/* As above, with further journal fields: a NULL-terminated list of "KEY=value" strings after the message. */
int log_event(int level, sd_id128_t message_id, const char *const *fields, const char *format, ...)
                __attribute__((format(printf, 4, 5)));

#define log_full_errno(level, error, ...) log_message(level, error, __FILE__, __LINE__, __VA_ARGS__)
#define log_debug(...) ((void) log_full_errno(LOG_DEBUG, 0, __VA_ARGS__))
#define log_info(...) ((void) log_full_errno(LOG_INFO, 0, __VA_ARGS__))
#define log_notice(...) ((void) log_full_errno(LOG_NOTICE, 0, __VA_ARGS__))
#define log_warning(...) ((void) log_full_errno(LOG_WARNING, 0, __VA_ARGS__))
#define log_error(...) ((void) log_full_errno(LOG_ERR, 0, __VA_ARGS__))
#define log_debug_errno(e, ...) log_full_errno(LOG_DEBUG, e, __VA_ARGS__)
#define log_info_errno(e, ...) log_full_errno(LOG_INFO, e, __VA_ARGS__)
#define log_warning_errno(e, ...) log_full_errno(LOG_WARNING, e, __VA_ARGS__)
#define log_error_errno(e, ...) log_full_errno(LOG_ERR, e, __VA_ARGS__)
