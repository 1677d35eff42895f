/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "basic/cleanup.h"
#include "basic/io.h"
#include "basic/log.h"
#include "kexec/watch.h"

#define LIMIT_PATH "/proc/sys/kernel/kexec_load_limit_reboot"

static int limit_read(const char *path, long *ret) {
        _cleanup_free_ char *text = NULL;
        char *end;
        int r;

        r = read_file_at(AT_FDCWD, path, 64, &text, NULL);
        if (r < 0)
                return r;
        errno = 0;
        *ret = strtol(text, &end, 10);
        return errno == 0 && end != text && *ret >= -1 && *ret <= INT_MAX ? 0 : -EBADMSG;
}

uint64_t kexec_calls_left(const char *root, bool begin) {
        _cleanup_free_ char *path = NULL;
        long limit;
        int r;

        if (asprintf(&path, "%s" LIMIT_PATH, root) < 0) {
                path = NULL;
                return KEXEC_CALLS_UNKNOWN;
        }
        r = limit_read(path, &limit);
        if (r >= 0 && limit < 0 && begin) {
                char text[16];

                snprintf(text, sizeof(text), "%i\n", INT_MAX);
                r = write_file(path, text);
                if (r >= 0)
                        r = limit_read(path, &limit);
        }
        if (r < 0 && begin)
                log_debug_errno(r, "Cannot have the kernel count in %s who calls kexec: %m", path);
        return r < 0 || limit < 0 ? KEXEC_CALLS_UNKNOWN : (uint64_t) limit;
}

KexecLoaded kexec_loaded_since(const char *root, const KexecLoadResult *staged) {
        _cleanup_free_ char *path = NULL, *loaded = NULL;
        uint64_t calls_left;

        if (asprintf(&path, "%s/sys/kernel/kexec_loaded", root) < 0) {
                path = NULL;
                return KEXEC_LOADED_UNKNOWN;
        }
        if (read_file_at(AT_FDCWD, path, 64, &loaded, NULL) >= 0 && loaded[0] == '0')
                return KEXEC_LOADED_NOTHING;
        calls_left = kexec_calls_left(root, false);
        if (calls_left == KEXEC_CALLS_UNKNOWN || staged->calls_left == KEXEC_CALLS_UNKNOWN)
                return KEXEC_LOADED_UNKNOWN;
        return calls_left == staged->calls_left ? KEXEC_LOADED_OURS : KEXEC_LOADED_OTHER;
}

void kexec_loaded_follow(KexecLoadResult *staged, const KexecLoadResult *failed) {
        if (staged->calls_left == failed->calls_before)
                staged->calls_left = failed->calls_left;
}
