/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the old kernel wrote on its console while it shut down, as pstore kept it. The text comes out of
 * memory that survived a kexec: it may begin in the middle of a line, hold other boots' lines and any
 * garbage between them. */

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "timeline/kmsg.h"
#include "timeline/ticks.h"
#include "timeline/timeline.h"

#define TEXT_MAX (4U * 1024 * 1024)
#define DEVICES_MAX 4096U
#define NAME_MAX_BYTES 128U

/* Lines of two CPUs may swap places by a little; a larger step back is another kernel's clock. */
#define STEP_BACK_USEC UINT64_C(1000000)

typedef struct LogLine {
        uint64_t usec;
        const char *text;
        size_t size;
} LogLine;

typedef struct DeviceLine {
        const char *driver, *device;
        size_t driver_size, device_size;
        bool is_pre;
} DeviceLine;

/* Scans "[   12.345678]" (kernel/printk/printk.c:print_time()); NULL if it is not there. */
static const char *scan_stamp(const char *p, const char *end, uint64_t *ret_usec) {
        uint64_t sec = 0, usec = 0;
        const char *start;

        if (p == end || *p++ != '[')
                return NULL;
        while (p < end && *p == ' ')
                p++;
        for (start = p; p < end && isdigit((unsigned char) *p); p++)
                if (p - start < 12)
                        sec = sec * 10 + (uint64_t) (*p - '0');
        if (p == start || p - start > 12 || end - p < 8 || *p++ != '.')
                return NULL;
        for (start = p; p - start < 6; p++) {
                if (!isdigit((unsigned char) *p))
                        return NULL;
                usec = usec * 10 + (uint64_t) (*p - '0');
        }
        if (*p++ != ']')
                return NULL;
        *ret_usec = sec * 1000000 + usec;
        return p;
}

/* A line as consoles get it: "<6>" with console_msg_format=syslog, the stamp, "[    T1]" with
 * CONFIG_PRINTK_CALLER. */
static bool log_line_parse(const char *p, const char *end, LogLine *ret) {
        LogLine line;

        if (p < end && *p == '<') {
                p = memchr(p, '>', (size_t) (end - p < 6 ? end - p : 6));
                if (!p)
                        return false;
                p++;
        }
        p = scan_stamp(p, end, &line.usec);
        if (!p)
                return false;
        if (p < end && *p == '[') {
                p = memchr(p, ']', (size_t) (end - p < 16 ? end - p : 16));
                if (!p)
                        return false;
                p++;
        }
        if (p == end || *p++ != ' ')
                return false;
        if (end > p && end[-1] == '\r')
                end--;
        line.text = p;
        line.size = (size_t) (end - p);
        *ret = line;
        return true;
}

/* The next line that is one, from *p on. */
static bool log_line_next(const char **p, const char *end, LogLine *ret) {
        while (*p < end) {
                const char *start = *p, *newline = memchr(start, '\n', (size_t) (end - start));

                *p = newline ? newline + 1 : end;
                if (log_line_parse(start, newline ? newline : end, ret))
                        return true;
        }
        return false;
}

static bool text_starts_with(const LogLine *line, const char *prefix) {
        return line->size >= strlen(prefix) && memcmp(line->text, prefix, strlen(prefix)) == 0;
}

static bool is_printable(const char *p, size_t size) {
        for (size_t i = 0; i < size; i++)
                if (p[i] < ' ' || p[i] > '~')
                        return false;
        return true;
}

/* "DRIVER DEVICE: shutdown" or ": shutdown_pre" (drivers/base/core.c:device_shutdown(), by dev_info()). The
 * driver can have spaces in its name and can be missing. */
static bool device_line_parse(const LogLine *line, DeviceLine *ret) {
        static const char *const endings[] = { ": shutdown", ": shutdown_pre" };
        const char *space;

        for (size_t i = 0; i < ELEMENTSOF(endings); i++) {
                size_t size = strlen(endings[i]), rest;

                if (line->size <= size || memcmp(line->text + line->size - size, endings[i], size) != 0)
                        continue;
                rest = line->size - size;
                space = memrchr(line->text, ' ', rest);
                if (!space || !is_printable(line->text, rest))
                        return false;

                *ret = (DeviceLine){
                        .driver = line->text,
                        .driver_size = (size_t) (space - line->text),
                        .device = space + 1,
                        .device_size = rest - (size_t) (space + 1 - line->text),
                        .is_pre = i == 1,
                };
                /* "PM: foo: shutdown" would be somebody else's way to begin a line. */
                if (ret->driver_size > 0 && ret->driver[ret->driver_size - 1] == ':')
                        return false;
                return ret->device_size > 0 && ret->device_size <= NAME_MAX_BYTES &&
                                ret->driver_size <= NAME_MAX_BYTES;
        }
        return false;
}

static bool is_same_device(const ShutdownDevice *a, const DeviceLine *b) {
        return strlen(a->driver) == b->driver_size && memcmp(a->driver, b->driver, b->driver_size) == 0 &&
                        strlen(a->device) == b->device_size &&
                        memcmp(a->device, b->device, b->device_size) == 0;
}

static int shutdown_log_add(ShutdownLog *log, const DeviceLine *line, uint64_t tsc) {
        _cleanup_free_ char *driver = strndup(line->driver, line->driver_size);
        _cleanup_free_ char *device = strndup(line->device, line->device_size);
        size_t n = log->n_devices;

        if (!driver || !device)
                return -ENOMEM;
        if ((n & (n - 1)) == 0) { /* at each power of two */
                ShutdownDevice *devices = reallocarray(log->devices, n ? n * 2 : 1, sizeof(*devices));

                if (!devices)
                        return -ENOMEM;
                log->devices = devices;
        }
        log->devices[log->n_devices++] = (ShutdownDevice){
                .driver = TAKE_PTR(driver),
                .device = TAKE_PTR(device),
                .start_tsc = tsc,
                .end_tsc = tsc,
        };
        return 0;
}

/* Devices are shut down one after the other, so each lasts until the next one's line: what is written
 * between is its driver's doing ("[sda] Synchronizing SCSI cache"). The last one ends where a line does not
 * speak of it any more. */
static int shutdown_log_fill(ShutdownLog *log, const StampScale *scale, const char *p, const char *end) {
        bool is_open = false, is_pre = false;
        uint64_t last_usec = scale->stamp_usec;
        ShutdownDevice *device = NULL;
        LogLine line;
        int r;

        while (log_line_next(&p, end, &line)) {
                DeviceLine device_line;
                uint64_t tsc;

                if (text_starts_with(&line, "Linux version ") || line.usec + STEP_BACK_USEC < last_usec)
                        break;
                if (line.usec > last_usec)
                        last_usec = line.usec;
                log->last_line_tsc = tsc = stamp_to_tsc(scale, last_usec);

                if (device_line_parse(&line, &device_line)) {
                        bool goes_on = device && is_pre && is_same_device(device, &device_line);

                        if (device)
                                device->end_tsc = tsc;
                        is_pre = device_line.is_pre;
                        if (goes_on || log->n_devices == DEVICES_MAX)
                                continue;
                        r = shutdown_log_add(log, &device_line, tsc);
                        if (r < 0)
                                return r;
                        device = &log->devices[log->n_devices - 1];
                        is_open = true;
                } else if (device && is_open) {
                        device->end_tsc = tsc;
                        is_open = memmem(line.text, line.size, device->device, strlen(device->device));
                }
        }
        return 0;
}

int shutdown_log_parse(const char *text, size_t size, const char *token, uint64_t mark_tsc, uint64_t tsc_hz,
                ShutdownLog **ret) {
        StampScale scale = { .tsc = mark_tsc, .tsc_hz = tsc_hz };
        _cleanup_(shutdown_log_freep) ShutdownLog *log = NULL;
        const char *p = text, *end, *mark = NULL;
        LogLine line;
        int r;

        if (tsc_hz == 0)
                return -EINVAL;
        if (size > TEXT_MAX)
                return -EFBIG;
        end = text + size;
        while (log_line_next(&p, end, &line))
                if (kmsg_is_mark(line.text, line.size, token)) {
                        mark = p;
                        scale.stamp_usec = line.usec;
                }
        if (!mark)
                return -ENOENT;

        log = calloc(1, sizeof(*log));
        if (!log)
                return -ENOMEM;
        log->mark_tsc = log->last_line_tsc = mark_tsc;
        r = shutdown_log_fill(log, &scale, mark, end);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(log);
        return 0;
}

ShutdownLog *shutdown_log_free(ShutdownLog *log) {
        if (!log)
                return NULL;
        for (size_t i = 0; i < log->n_devices; i++) {
                free(log->devices[i].driver);
                free(log->devices[i].device);
        }
        free(log->devices);
        free(log);
        return NULL;
}
